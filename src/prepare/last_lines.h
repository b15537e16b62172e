/*
 * The last lines of a step's output, for the ledger: what a replica that waited shows when the
 * run that it waited for has failed.
 */
#ifndef PREPARE_LAST_LINES_H
#define PREPARE_LAST_LINES_H

#include <stddef.h>

#include "signalbox/base/text.h"

enum { LAST_LINES_COUNT = 20, LAST_LINES_WIDTH = 200 };

struct last_lines {
    char lines[LAST_LINES_COUNT][LAST_LINES_WIDTH + 1];
    size_t added; /* Ever; the newest is at (added - 1) % LAST_LINES_COUNT. */
};

/* Takes whole lines, each with its '\n', and perhaps one without at the end. Empty ones are left
 * out, and what is longer than the width is cut. */
void last_lines_add(struct last_lines *last, const char *bytes, size_t length);

/* Oldest first, with '\n' between them, as valid UTF-8 without control characters and without what
 * looks like a secret or is one of `secrets`, which ends with NULL. */
void last_lines_render(
    const struct last_lines *last, const char *const *secrets, struct text *rendered);

#endif
