/*
 * What is looked at in the server every few seconds while a step runs: late statements of an
 * earlier run, which are ended, and whether the step waits for a lock, which is said with whom it
 * waits for.
 */
#ifndef PREPARE_PROTOCOL_STEP_LOOK_H
#define PREPARE_PROTOCOL_STEP_LOOK_H

#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "prepare/protocol/steps.h"

struct step_look {
    const struct backend *backend;
    const char *step;
    int64_t every_ms;
    int64_t at_ms;         /* When the next look is due. */
    int64_t say_at_ms;     /* Not before this it is said again that the step waits. */
    struct lock_wait last; /* What it waited for when that was seen last, or waited_ms 0. */
};

/* For a step that begins now. One that gives up waiting for a lock must be seen before it does, and
 * who sits before a terminal reads at once; but no look is worth a program run every second. */
void step_look_begin(struct step_look *look, const struct steps_request *request, const char *step);

/* Looks where that is due. Blocks for two seconds at most. */
void step_look_make(struct step_look *look);

#endif
