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

enum observation {
    SEEN_DONE,          /* The action did what it should, and there is nothing else to say. */
    SEEN_SUCCEEDED,     /* The ledger says that this fingerprint is prepared. */
    SEEN_FAILED,        /* A run that we waited for has failed. */
    SEEN_UNDECIDED,     /* Neither. */
    SEEN_NOT_OURS,      /* Neither, and this replica only waits (--prepare=wait). */
    SEEN_TOO_SOON,      /* Neither, but it has failed so often that it must rest first. */
    SEEN_STANDBY,       /* Neither, and nothing can be run on this server. */
    SEEN_LOCK_HELD,     /* By another replica. */
    SEEN_CROWDED,       /* All connections are taken. */
    SEEN_TIMED_OUT,     /* Waited longer than --wait-timeout. */
    SEEN_STEPS_OK,      /* All steps ended with 0. */
    SEEN_STEPS_FAILED,  /* One did not. */
    SEEN_STEPS_DIED,    /* A signal ended one, and not at our wish. */
    SEEN_STEPS_STOPPED, /* One was ended because we were asked to end. */
    SEEN_LOCK_LOST,     /* While the steps ran; they have been killed. */
    SEEN_ELSEWHERE,     /* Somebody else has decided our run. */
    SEEN_GONE,          /* The connection broke. */
    SEEN_REFUSED,       /* Final; the error says why. */
    SEEN_CANCELLED,     /* A signal asked us to end. */
    PROTOCOL_OBSERVATION_COUNT
};

enum protocol_action {
    ACT_CONNECT,
    ACT_LOOK,
    ACT_TRY_LOCK,
    ACT_PAUSE,
    ACT_LET_GO, /* Of the lock, and then pause. */
    ACT_INSPECT,
    ACT_BEGIN_RUN,
    ACT_FENCE,
    ACT_RUN_STEPS,
    ACT_RECORD_OUTCOME,
    /* The rest end the protocol. */
    ACT_START,            /* Prepared: let the command start. */
    ACT_START_UNRECORDED, /* Prepared by us, but the ledger does not say so. */
    ACT_FAIL,             /* With the status of the run that failed. */
    ACT_FAIL_ALONE,       /* With the status of our step; the others do not share it. */
    ACT_GIVE_UP_WAITING,
    ACT_GIVE_UP_LOCK,
    ACT_REFUSE,
    ACT_CANCEL
};

struct protocol_row {
    enum protocol_state state;
    enum observation observation;
    enum protocol_state next;
    enum protocol_action action;
    const char *why; /* A sentence. */
};

/* NULL for a pair that cannot happen. */
const struct protocol_row *protocol_next(enum protocol_state state, enum observation observation);

bool protocol_action_ends(enum protocol_action action);

/* Why this replica is in the protocol. */
enum protocol_purpose {
    PROTOCOL_IF_DUE, /* Prepare unless it is prepared. */
    PROTOCOL_ALWAYS, /* Somebody typed the step: run, whatever the ledger says. */
    PROTOCOL_TO_WAIT /* Never prepare, but start when it is prepared. */
};

/* What a look means for one that came for `purpose`: a failure counts only if the first look of
 * this replica did not show that run as decided already, for then it was another deploy's failure
 * and not the one we waited for. Where the steps do more than migrate (`only_latest_counts`), a
 * success counts only while no other content has been prepared since. */
enum observation protocol_observe(enum protocol_purpose purpose, bool only_latest_counts,
    const struct look *first, const struct look *now);

/* How long after the last of `failures` in a row the steps may run again: 0 for fewer than two,
 * then 5 s, doubled each time, 60 s at most. */
int64_t protocol_backoff_ms(int failures);

/* A step that a signal ended is interrupted, since the next replica may have more luck (memory, a
 * host that went down); the third in a row, `deaths` before it being two, is a failure. */
enum run_state protocol_state_of_death(int deaths);

/* How long to pause before looking again: a twentieth of the time waited so far, jittered by
 * `random`, between 100 ms and 2 s. */
int64_t protocol_pause_ms(int64_t waited_ms, uint32_t random);

const char *protocol_state_name(enum protocol_state state);
const char *protocol_observation_name(enum observation observation);

#endif
