/*
 * Looking at the databases for the backend: with patience where a server is only just coming
 * up, while the lock, where it is held, is tended. What is said here is said once.
 */
#ifndef PREPARE_PREFLIGHT_PREFLIGHT_RUN_H
#define PREPARE_PREFLIGHT_PREFLIGHT_RUN_H

#include <stdint.h>

#include "prepare/preflight/preflight.h"
#include "prepare/preflight/probe.h"
#include "prepare/protocol/backend.h"
#include "signalbox/base/string_list.h"
#include "signalbox/prepare/target.h"

struct preflight_run {
    const struct target *target;
    int64_t patience_ms;                  /* How long a server may take to come up. */
    int64_t trouble_since_ms;             /* 0 while all of them answer. */
    char last_reason[480];                /* Why one did not answer, said once, … */
    int64_t said_ms;                      /* … and when. */
    int64_t doubted_run;                  /* The run that was doubted last, … */
    int64_t doubted_ms;                   /* … when, … */
    char stale_reason[RUN_REASON_LENGTH]; /* … and why. */
};

struct lock;

/* What every look needs. */
struct probe_context {
    struct session *reader; /* Open to the first database; NULL where that does not exist. Hung up
                               where the others are waited for without the lock. */
    struct lock *lock;      /* Tended meanwhile, … */
    bool (*tend)(struct lock *lock); /* … by this, false where it is lost; NULL while not held. */
    const struct interrupt *interrupt;
};

void preflight_run_initialise(
    struct preflight_run *preflight_run, const struct target *target, int64_t patience_ms);

/* Whether the databases that this success left in order are so still: `doubt` says which is not, or
 * is empty. The result is the reader's, or SESSION_CANCELLED; SESSION_TIMED_OUT where the lock was
 * lost meanwhile. */
enum session_result preflight_run_look(struct preflight_run *preflight_run,
    const struct probe_context *context, const struct run *success,
    char stale_reason[RUN_REASON_LENGTH]) MUST_USE;

/* What the preflight before the steps needs to know from the ledger, and what it found. */
struct preflight_run_findings {
    const char *begun;       /* In: databases that an unfinished run began to initialise. */
    const struct run *since; /* In: the last success. */
    struct preflight preflight;
    struct first_database first;            /* Out: what it is like before the steps. */
    char initialised[RUN_DATABASES_LENGTH]; /* Out: what the steps will initialise. */
    bool is_refused;                        /* Out: `error` says why, and … */
    struct string_list obstacles;           /* … a line for each database that is in its way. */
    struct error error;
};

void preflight_run_say_obstacles(const struct preflight_run_findings *findings);
void preflight_run_release_findings(struct preflight_run_findings *findings);
#define AUTO_PREFLIGHT_FINDINGS __attribute__((cleanup(preflight_run_release_findings)))

/* Before anything is touched: whether the steps may begin. */
enum session_result preflight_run_judge(struct preflight_run *preflight_run,
    const struct probe_context *context, struct preflight_run_findings *findings) MUST_USE;

/* After the steps, asked once: enters into a success the names of the databases that are in order,
 * and why its steps seem to have gone elsewhere. */
enum session_result preflight_run_look_afterwards(const struct preflight_run *preflight_run,
    const struct probe_context *context, const struct steps_trace *trace, struct run *success,
    int64_t deadline_ms) MUST_USE;

#endif
