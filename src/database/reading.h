/*
 * How well something was understood. The three are kept apart all the way up: what is unclear is
 * asked of Rails and what is wrong is not, since Rails would refuse it too.
 */
#ifndef DATABASE_READING_H
#define DATABASE_READING_H

enum reading {
    READ_WELL,
    READ_UNCLEAR, /* Rails may make something of it that we cannot know. */
    READ_WRONG    /* Rails refuses it as well. */
};

/* Why it was not READ_WELL. */
struct reading_note {
    int line;       /* From 1; 0 where there is none. */
    char what[240]; /* For a person; no literal of the file, which could be a secret. */
};

/* Fills the finding and returns `reading`. */
enum reading reading_note_set(struct reading_note *reading_note, enum reading reading, int line,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
