/*
 * The single flight: what a replica does next, as data. protocol_next is a pure function over a
 * table of rows {state, observation, next, action, why}; protocol_run in protocol_run.c carries the
 * actions out. The rule: all replicas that wait share the outcome of the one that runs; replicas
 * that come later run again unless it succeeded.
 */
#ifndef PREPARE_PROTOCOL_PROTOCOL_H
#define PREPARE_PROTOCOL_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "prepare/protocol/observation.h"
#include "signalbox/prepare/purpose.h"

enum protocol_state {
    PROTOCOL_CONNECTING, /* No connection yet, or none any more. */
    PROTOCOL_LOOKING,    /* Reading the ledger without the lock. */
    PROTOCOL_TRYING,     /* Trying the lock. */
    PROTOCOL_WAITING,    /* Another replica holds it. */
    PROTOCOL_CONFIRMING, /* The lock is ours: reading the ledger once more. */
    PROTOCOL_INSPECTING, /* What do the databases look like, before anything is touched? */
    PROTOCOL_BEGINNING,  /* Recording that we run. */
    PROTOCOL_FENCING,    /* Ending what earlier runs still do in the server. */
    PROTOCOL_RUNNING,    /* The steps. */
    PROTOCOL_RECORDING,  /* Recording how they ended. */
    PROTOCOL_ENDED,
    PROTOCOL_STATE_COUNT
};

enum protocol_action {
    ACT_NONE, /* The protocol has ended. */
    ACT_CONNECT,
    ACT_LOOK,
    ACT_TRY_LOCK,
    ACT_PAUSE,
    ACT_INSPECT,
    ACT_BEGIN_RUN,
    ACT_FENCE,
    ACT_RUN_STEPS,
    ACT_RECORD_OUTCOME,
    ACTION_COUNT
};

enum protocol_outcome {
    OUTCOME_NONE,                /* It has not ended. */
    OUTCOME_PREPARED,            /* Let the command start. */
    OUTCOME_PREPARED_UNRECORDED, /* By us, but the ledger does not say so. */
    OUTCOME_FAILED,              /* With the status of the run that failed. */
    OUTCOME_DIED,                /* With the status of our step; the others do not share it. */
    OUTCOME_WAITED_TOO_LONG,
    OUTCOME_LOCK_LOST,
    OUTCOME_REFUSED,
    OUTCOME_CANCELLED,
    OUTCOME_COUNT
};

struct protocol_row {
    enum protocol_state state;
    enum observation observation;
    enum protocol_state next;
    enum protocol_action action;
    enum protocol_outcome outcome; /* Where `next` is PROTOCOL_ENDED. */
    const char *why;               /* A sentence. */
};

/* NULL for a pair that cannot happen. */
const struct protocol_row *protocol_next(enum protocol_state state, enum observation observation);

/* What a look means for a replica that came for `purpose`: a failure counts only if the first look
 * of this replica did not show that run as decided already, for then it was another deploy's
 * failure and not the one we waited for. Where the steps do more than migrate
 * (`only_latest_counts`), a success counts only while no other content has been prepared since. */
enum observation protocol_observe(enum prepare_purpose purpose, bool only_latest_counts,
    const struct look *first, const struct look *now);

/* How long after the last of `failures` in a row the steps may run again: 0 for fewer than two,
 * then 5 s, doubled each time, 60 s at most. */
int64_t protocol_backoff_ms(int failures);

/* How the ledger records steps that ended as `seen`. A step that a signal ended is interrupted,
 * since the next replica may have more luck (memory, a host that went down); the third in a row,
 * `deaths` before it being two, is a failure. */
enum run_state protocol_run_state(enum observation seen, int deaths);

/* How long to pause before looking again: a twentieth of the time waited so far, jittered by
 * `random`, between 100 ms and 2 s. */
int64_t protocol_pause_ms(int64_t waited_ms, uint32_t random);

const char *protocol_state_name(enum protocol_state state);

#endif
