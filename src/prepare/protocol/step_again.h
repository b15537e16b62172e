/*
 * Between two tries of a step: what the failed one left is ended and named, it is said why there is
 * another, and the pause is made with both eyes open, for a signal and on the lock.
 */
#ifndef PREPARE_PROTOCOL_STEP_AGAIN_H
#define PREPARE_PROTOCOL_STEP_AGAIN_H

#include <stdint.h>

#include "prepare/protocol/steps.h"

struct step_try {
    const char *step; /* Its text, for people. */
    int number;       /* From 1 on. */
    int64_t began_ms; /* The first one. */
    const struct lock_wait
        *lock_wait; /* What it was last seen waiting for; waited_ms 0: nothing. */
};

/* After a try that failed: SEEN_DONE for another one, after the pause. Otherwise the end of the try
 * stands, or what came in the pause: SEEN_STEPS_STOPPED, SEEN_LOCK_LOST. */
enum observation step_again_decide(
    const struct steps_request *request, const struct step_try *failed, int exit_status);

#endif
