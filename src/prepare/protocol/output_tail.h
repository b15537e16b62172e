/*
 * The last lines of a step's output, for the ledger: what a replica that waited shows when the
 * run that it waited for has failed.
 */
#ifndef PREPARE_PROTOCOL_OUTPUT_TAIL_H
#define PREPARE_PROTOCOL_OUTPUT_TAIL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/secret_values.h"
#include "signalbox/base/text.h"

/* A line is cut at the width only when it is rendered: what is hidden may lie across it. */
enum { LAST_LINES_COUNT = 20, LAST_LINES_WIDTH = 200, LAST_LINES_HELD = PIPE_BUF };

struct output_tail {
    char lines[LAST_LINES_COUNT][LAST_LINES_HELD + 1];
    bool leaves_out_backtraces; /* Ruby's lines "FILE:LINE:in 'method'". */
    size_t added;               /* Ever; the newest is at (added - 1) % LAST_LINES_COUNT. */
};

/* Takes whole lines, each with its '\n', and perhaps one without at the end. Empty ones are left
 * out. */
void output_tail_add(struct output_tail *last, const char *bytes, size_t length);

/* Oldest first, each with a '\n', as they were printed: not to be shown. */
void output_tail_join(const struct output_tail *last, struct text *lines);

/* Oldest first, with '\n' between them, as valid UTF-8 without control characters and without what
 * looks like a secret or is one of `secrets`; what is longer than the width is cut. */
void output_tail_render(
    const struct output_tail *last, const struct secret_values *secrets, struct text *rendered);

#endif
