/*
 * What the single flight needs from whatever keeps replicas apart: a lock that ends with its
 * holder, and a ledger of runs. The protocol is written once, in flight.c and preparer.c, against
 * this interface; Postgres stands behind it in postgres_coordinator.c.
 */
#ifndef PREPARE_COORDINATOR_H
#define PREPARE_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/error.h"

enum run_state { RUN_NONE, RUN_RUNNING, RUN_SUCCEEDED, RUN_FAILED, RUN_INTERRUPTED };

/* A row of the ledger. */
struct run {
    int64_t id; /* 0 where there is none. */
    enum run_state state;
    char host[65];
    char step[129];  /* The step that failed, or empty. */
    int exit_status; /* Of a failed run. */
    int64_t age_ms;  /* Since it finished, or since it started while it runs; the ledger's clock. */
};

struct look {
    bool has_ledger;   /* Runs are recorded at all; otherwise nothing is ever decided. */
    struct run newest; /* The newest run of this fingerprint. */
    struct run holder; /* The run of this lock key that is under way, whatever its fingerprint. */
};

/* What an attempt to fence off earlier runs came to. */
struct fence_report {
    int ended;        /* How many of their statements were told to end just now. */
    int remaining;    /* How many are there still; 0 when the steps may begin. */
    char holder[200]; /* What is waited for and may not be ended, in words, or empty. */
};

/* How an operation ended. */
enum coordination {
    COORDINATION_DONE,
    COORDINATION_HELD,      /* lock_try: another replica holds the lock. */
    COORDINATION_ELSEWHERE, /* run_end: somebody else has decided this run. */
    COORDINATION_GONE,      /* The connection broke: connect again. */
    COORDINATION_REFUSED,   /* Final: the error says why. */
    COORDINATION_CANCELLED  /* A signal asked for an end. */
};

struct coordinator_operations {
    /* Connects, creating the database where that is allowed; tries until the connect timeout. */
    enum coordination (*connect)(void *self, struct error *error);
    enum coordination (*look)(void *self, struct look *look, struct error *error);
    /* Tries to take the lock; never waits for it. */
    enum coordination (*lock_try)(void *self, struct error *error);
    void (*lock_release)(void *self);
    /* Under the lock: marks a run that died as interrupted (its row in *dead, id 0 where there is
     * none) and records a new one as running (*id, 0 where there is no ledger). */
    enum coordination (*run_begin)(
        void *self, bool is_recorded, int64_t *id, struct run *dead, struct error *error);
    /* Under the lock: ends what earlier runs of this app still do in the server. To be repeated
     * before the first step until nothing remains, and now and then while the steps run, since a
     * step that was still booting connects later. */
    enum coordination (*fence)(
        void *self, bool is_before_steps, struct fence_report *found, struct error *error);
    /* After a step that did not end well: the same to what this run itself left in the server. */
    void (*fence_own)(void *self);
    /* NAME=VALUE by which the fence knows the steps of this run, or NULL. */
    const char *(*step_assignment)(void *self);
    enum coordination (*run_end)(void *self, const struct run *outcome, struct error *error);
    /* The lock's dead man's switch, for a poll loop: watch guard_fd for reading until
     * guard_deadline_ms, then ask guard_holds; false means that the lock is lost. */
    int (*guard_fd)(void *self);
    int64_t (*guard_deadline_ms)(void *self);
    bool (*guard_holds)(void *self);
    void (*disconnect)(void *self);
};

struct coordinator {
    const struct coordinator_operations *operations;
    void *self;
};

#endif
