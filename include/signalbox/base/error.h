/*
 * An error that the caller owns and that never allocates: one line for a person, and the status to
 * exit with. What fails fills it once; on the way up it may only gain context in front.
 */
#ifndef SIGNALBOX_BASE_ERROR_H
#define SIGNALBOX_BASE_ERROR_H

struct error {
    int exit_status; /* What the process should exit with if this cannot be mended. */
    char text[640];  /* One line, no newline at its end, no secret in it; cut if too long. */
};

/* Sets status and text. errno is not consulted: pass strerror(errno) where it says something. */
void error_set(struct error *error, int exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text and leaves the status as it is. */
void error_add_context(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
