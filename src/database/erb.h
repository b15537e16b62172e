/*
 * A template as Ruby's ERB renders it, as far as its Ruby is read here.
 */
#ifndef DATABASE_ERB_H
#define DATABASE_ERB_H

#include "database/reading.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/text.h"

struct rendering {
    struct text text;
    int *lines; /* For each line of the text, the template's line that it begins on. */
    size_t line_count;
    struct reading_note
        *unread; /* Tags that stand in the text as ASIDE_VALUE, with the template's line. */
    size_t unread_count;
};

/* A tag that prints a part of a value and is not read leaves that value unread (ignored_keys.h);
 * any other makes all of it unclear. `environment` is what Rails.env says. The finding's line is
 * the template's; what it says of the code has no literal in it. */
enum reading erb_render(const char *template, size_t length, const char *environment,
    struct rendering *rendering, struct reading_note *reading_note);

/* The template's line of a line of the text; both from 1. */
int erb_rendering_line(const struct rendering *rendering, int line);

/* Why what stands on this line of the template was not read; NULL where all of it was. */
const struct reading_note *erb_rendering_unread(const struct rendering *rendering, int line);

void erb_rendering_release(struct rendering *rendering);
#define AUTO_RENDERING __attribute__((cleanup(erb_rendering_release)))

#endif
