/*
 * A step's output on its way to ours, line by line, so that what two outputs say is not mixed
 * within a line. It never blocks: the preparer has a lock to look after while a reader of our
 * output sleeps, so a step whose output nobody takes waits in its own write.
 */
#ifndef PREPARE_PROTOCOL_STEP_OUTPUT_H
#define PREPARE_PROTOCOL_STEP_OUTPUT_H

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "prepare/protocol/output_tail.h"
#include "signalbox/base/cleanup.h"

struct step_output {
    int from_fd; /* -1 once it has ended; closed by step_output_close. */
    int to_fd;
    struct output_tail *last; /* Hears of each line that passes; the caller's, or NULL. */
    struct output_tail *own;  /* The same of this output alone; the caller's, or NULL. */
    bool is_within_line;      /* What passed last was a piece of a line, not its end. */
    size_t held;              /* Bytes read and not yet written. */
    size_t ready;             /* Of them, those that may go: whole lines, a full buffer, the end. */
    char buffer[PIPE_BUF];
};

/* Makes the pipe; *step_end is the end that the step writes to, which the caller closes. */
int step_output_open(
    struct step_output *step_output, int to_fd, struct output_tail *last, int *step_end) MUST_USE;

/* What to poll for: our output while something is ready for it, otherwise the pipe. */
struct pollfd step_output_pollfd(const struct step_output *step_output);

/* Moves what can be moved, when poll(2) has said so. */
void step_output_move(struct step_output *step_output);

/* After the step: what is still in the pipe goes on, as far as anybody takes it; a daemon that
 * keeps the other end open is not waited for. */
void step_output_drain(struct step_output *step_output);

void step_output_close(struct step_output *step_output);

#endif
