/*
 * The preparer: everything between "this command needs a prepared database" and "it is prepared".
 * It runs in a child of its own, so that a fault in a library is a failed boot with a message and
 * not a dead init, and so that nothing of it stays in PID 1.
 */
#ifndef SIGNALBOX_PREPARE_PREPARE_H
#define SIGNALBOX_PREPARE_PREPARE_H

#include <stdint.h>

#include "signalbox/command/recognise.h"
#include "signalbox/prepare/purpose.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/signals.h"

struct hook_outcome;

struct prepare_request {
    enum prepare_purpose purpose; /* Not PREPARE_NOTHING. */
    struct target_request target;
    const struct recognition *command; /* What is prepared for, and what lies around it. */
    const struct step_list *commands;  /* What is run: the steps as the command would run them. */
    int64_t step_timeout_ms;           /* Negative: no limit. */
    int step_retries;                  /* How often a step may run again whose failure passes. */
    const char *release_label;         /* For the ledger, or NULL. */
    int64_t connect_timeout_ms;
    int64_t wait_timeout_ms;
    int64_t grace_ms;
    const struct signal_inheritance *inheritance; /* What the steps shall find. */
    struct hook_outcome *hook_outcome;            /* Where to write what a run came to, or NULL. */
};

/*
 * For supervisor_run_function: `request` is a struct prepare_request. All signals must be blocked.
 * Returns the exit status: 0 when the command may start; a failed step's own; 128 + N when signal
 * N asked for an end; otherwise one of enum exit_status. Logs all it does.
 */
int prepare_run(void *request);

#endif
