/*
 * A row of the ledger, wherever the ledger is kept: what is known of one run of the steps.
 */
#ifndef SIGNALBOX_PREPARE_RUN_H
#define SIGNALBOX_PREPARE_RUN_H

#include <stdbool.h>
#include <stdint.h>

enum run_state { RUN_NONE, RUN_RUNNING, RUN_SUCCEEDED, RUN_FAILED, RUN_INTERRUPTED };

enum {
    RUN_OUTPUT_LENGTH = 4096,
    RUN_DATABASES_LENGTH = 512,
    RUN_MOMENT_LENGTH = 32,
    RUN_REASON_LENGTH = 320
};

struct run {
    int64_t id; /* 0 where there is none. */
    enum run_state state;
    char fingerprint[65];
    char release[65]; /* A label for people, or empty. */
    char host[65];
    /* "2026-11-21T10:00:00.123Z" by the ledger's clock, for people; `finished` is empty while the
     * run is under way. */
    char started[RUN_MOMENT_LENGTH];
    char finished[RUN_MOMENT_LENGTH];
    int64_t age_ms;  /* Since it finished, or since it started while it runs; the ledger's clock. */
    char step[129];  /* The step that did not end well, or empty. */
    int exit_status; /* Of a failed run, and of an interrupted one whose step a signal ended. */
    int tries;       /* Of the step that was tried most often; 0 where that is not known. */
    int64_t waiters; /* Replicas that wait for it and hang up between their looks. */
    bool has_exit_status; /* The ledger has one; otherwise it is 0 here. Only set by reading. */
    /* Names of configurations, one a line. Of a succeeded run: whose databases were in order. Of
     * any other: which of them it began to initialise. */
    char databases[RUN_DATABASES_LENGTH];
    /* Of a succeeded run: why its steps seem to have migrated another database than the one that
     * the lock is in, as a clause, or empty. Such a run counts for nothing. */
    char elsewhere[RUN_REASON_LENGTH];
    char output[RUN_OUTPUT_LENGTH]; /* Its step's last lines, without secrets, or empty. */
};

/* The names stand in tables and files that newer versions read: none is ever changed. */
const char *run_state_name(enum run_state state);

/* RUN_NONE for anything that is no name of a state. */
enum run_state run_state_from_name(const char *name);

#endif
