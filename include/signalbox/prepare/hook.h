/*
 * --on-finish: a program that is run once a run, by the replica that ran it, when the outcome is
 * recorded and the lock is free. The preparer writes down what the run came to, in memory that it
 * has in common with the process that it is a child of; another child of that process runs the
 * hook.
 */
#ifndef SIGNALBOX_PREPARE_HOOK_H
#define SIGNALBOX_PREPARE_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/string_list.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/prepare/run.h"

/* How long it may take before it gets TERM. */
enum { HOOK_TIMEOUT_MS = 30000 };

struct hook_outcome {
    bool is_due; /* A run has ended, and the rest is filled in. */
    enum run_state state;
    bool went_elsewhere; /* Succeeded, and does not count. */
    int64_t run_id;      /* 0 where it is not recorded. */
    int64_t elapsed_ms;
    int exit_status;                    /* 0, the step's own, 128 + N, or 75. */
    char step[129];                     /* The one that did not end well, or empty. */
    char last_lines[RUN_OUTPUT_LENGTH]; /* Of the last step, without secrets. */
    char fingerprint[65];               /* Or empty. */
    /* How the steps were run, which only the preparer has found out. */
    bool is_wrapper_answered;
    bool is_unknown_left_out;
};

/* NULL, with the reason logged, where there is no memory. Released with hook_outcome_release. */
struct hook_outcome *hook_outcome_share(void);
void hook_outcome_release(struct hook_outcome *outcome);

struct hook_request {
    const struct prepare_request *prepare; /* What the run was made with. */
    const struct step_list *words;         /* One, as --step has them. */
    const struct hook_outcome *outcome;
    const char *release_source; /* The option or the variable, or NULL where there is no label. */
    int64_t timeout_ms;
    /* Where the container was asked to end: when the grace is over; otherwise DEADLINE_NEVER. */
    int64_t stop_at_ms;
};

/* For a child of its own, with all signals blocked; the argument is a struct hook_request. Runs the
 * hook as a step is run, to its whole end. Its failure is a warning; the result is always 0. */
int hook_run(void *request);

/* When the hook gets TERM, and when KILL. False where no time is left for it at all. */
struct hook_limits {
    int64_t end_at_ms;
    int64_t kill_at_ms; /* DEADLINE_NEVER: when the grace after TERM is over. */
};
bool hook_limits(
    int64_t now_ms, int64_t timeout_ms, int64_t stop_at_ms, struct hook_limits *limits);

/* Appends NAME=VALUE for all that the hook is told. */
void hook_append_variables(const struct hook_request *request, struct string_list *assignments);

/* Whether the name is one of those that only a hook's environment has. */
bool hook_is_variable(const char *name);

/* Whether a Signalbox that a hook runs would take the name of the release for its own option. */
bool hook_only_tells_release(char *const environment[]);

#endif
