/*
 * Running the steps, each to its whole end: nothing that a step has started goes on when steps_run
 * returns.
 */
#ifndef PREPARE_PROTOCOL_STEPS_H
#define PREPARE_PROTOCOL_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "prepare/protocol/output_tail.h"
#include "signalbox/command/step.h"
#include "signalbox/process/signals.h"
#include "signalbox/process/stop_request.h"

struct steps_request {
    const struct step_list *steps;
    char *const *environment; /* Without the steps' own assignments. */
    const struct signal_inheritance *inheritance;
    const struct backend *backend; /* Its lock is watched meanwhile. */
    struct stop_request *stop_request;
    int64_t grace_ms;
    int64_t timeout_ms;              /* For each step with all its tries; negative: no limit. */
    int retries;                     /* How often a step may run again whose failure passes. */
    bool are_looks_dear;             /* A look into the server asks a program for its password. */
    int64_t lock_timeout_ms;         /* How long it waits for a lock; 0: not known, or no limit. */
    bool reads_input;                /* Somebody typed it, and may answer: it has our input. */
    struct output_tail *output_tail; /* Begins anew with each step. */
    struct output_tail *errors_tail; /* So does this, which has its standard error alone. */
    /* When to warn that whoever deploys will not wait much longer; DEADLINE_NEVER once said. */
    int64_t *deploy_warning_at_ms;
};

struct steps_end {
    enum observation seen; /* SEEN_STEPS_OK and the like, or SEEN_LOCK_LOST. */
    const char *step;      /* The text of the one that did not end well; NULL when all did. */
    int exit_status;
    int tries; /* Of the step that had the most; 0 where none was begun. */
};

/* Runs one step after the other, in sessions of their own, until one does not end with 0 with all
 * its tries, a signal asks for an end, or the lock is lost (then they are killed at once). The
 * caller must be a subreaper. Blocks in poll(2) only. */
struct steps_end steps_run(const struct steps_request *request);

#endif
