/*
 * What --status shows of the past and the present: the last runs, and who holds the lock.
 */
#ifndef SIGNALBOX_PREPARE_HISTORY_H
#define SIGNALBOX_PREPARE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_MOST = 10 };

/* "2026-11-21T10:00:00.123Z" by the clock of the ledger, or empty. */
enum { MOMENT_LENGTH = 32 };

struct past_run {
    int64_t id;
    char fingerprint[65];
    char release[65]; /* Empty where there is none. */
    char state[16];   /* "running", "succeeded", "failed", "interrupted". */
    char host[65];
    char started[MOMENT_LENGTH];
    char finished[MOMENT_LENGTH]; /* Empty while it runs. */
    bool has_exit_status;
    int exit_status;
    char step[129];      /* The step that did not end well, or empty. */
    char elsewhere[320]; /* Why a success counts for nothing: its steps went elsewhere; or empty. */
};

struct lock_holder {
    bool is_held;
    char by[65];               /* The host that holds it; empty where that is not known. */
    char since[MOMENT_LENGTH]; /* The same. */
};

struct history {
    char absent[320]; /* Why there is nothing to ask yet, as a clause; otherwise empty. */
    struct lock_holder lock;
    struct past_run runs[HISTORY_MOST]; /* Of this lock key, newest first. */
    size_t count;
};

#endif
