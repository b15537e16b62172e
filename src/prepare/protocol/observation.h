/*
 * What an action of the protocol came to: the one vocabulary of the protocol, its steps and its
 * backends. What libpq says becomes one of these in postgres/failure_policy.c.
 */
#ifndef PREPARE_PROTOCOL_OBSERVATION_H
#define PREPARE_PROTOCOL_OBSERVATION_H

enum observation {
    SEEN_DONE,          /* The action did what it should, and there is nothing else to say. */
    SEEN_SUCCEEDED,     /* The ledger says that this fingerprint is prepared. */
    SEEN_FAILED,        /* A run that we waited for has failed. */
    SEEN_UNDECIDED,     /* Neither. */
    SEEN_NOT_OURS,      /* Neither, and this replica only waits (--prepare=wait). */
    SEEN_TOO_SOON,      /* Neither, but it has failed so often that it must rest first. */
    SEEN_STANDBY,       /* Neither, and nothing can be run on this server. */
    SEEN_LOCK_HELD,     /* By another replica. */
    SEEN_CROWDED,       /* No connection is free just now, though the server is there: the error
                           has its words. */
    SEEN_TIMED_OUT,     /* Waited longer than --wait-timeout. */
    SEEN_STEPS_OK,      /* All steps ended with 0. */
    SEEN_STEPS_FAILED,  /* One did not. */
    SEEN_STEPS_DIED,    /* A signal ended one, and not at our wish. */
    SEEN_STEPS_STOPPED, /* One was ended because we were asked to end. */
    SEEN_LOCK_LOST,     /* While the steps ran; they have been killed. */
    SEEN_ELSEWHERE,     /* Another replica has decided our run. */
    SEEN_GONE,          /* The connection broke, as the error says: connect again. */
    SEEN_REFUSED,       /* Final; the error says why. */
    SEEN_CANCELLED,     /* A signal asked us to end. */
    OBSERVATION_COUNT
};

const char *observation_name(enum observation observation);

#endif
