/*
 * What the single flight needs from whatever keeps replicas apart: a lock that ends with its
 * holder, and a ledger of runs. The protocol is written once, in protocol.c and protocol_run.c,
 * against this interface. Postgres stands behind it in postgres_backend.c, a file in
 * file_backend.c, and nothing at all (--lock=none) in none_backend.c.
 */
#ifndef PREPARE_PROTOCOL_BACKEND_H
#define PREPARE_PROTOCOL_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/observation.h"
#include "signalbox/base/error.h"
#include "signalbox/prepare/history.h"
#include "signalbox/prepare/run.h"

enum { FENCE_HOLDER_LENGTH = 320, LOCK_WAIT_BY_LENGTH = 480, LOCK_WAIT_STATEMENT_LENGTH = 128 };

struct look {
    bool has_ledger;       /* Runs are recorded; otherwise nothing is ever decided. */
    bool is_read_only;     /* A standby: what is read here counts, but nothing can be run. */
    struct run newest;     /* The newest run of this fingerprint. */
    struct run holder;     /* The run of this lock key under way, whatever its fingerprint. */
    struct run latest;     /* The newest success of this lock key, whatever its fingerprint. */
    struct run unfinished; /* A run that began on a new database, where none ever succeeded. */
    int failures;          /* How often this fingerprint failed in a row, up to its newest run. */
    int deaths;            /* How often in a row a signal ended its step. */
    char
        stale_reason[RUN_REASON_LENGTH]; /* Why the success of `newest` does not count, or empty. */
};

/* What the databases look like under the lock, before anything is touched. */
struct preflight {
    bool is_new;      /* The first database has no schema_migrations: the steps initialise it. */
    char reason[320]; /* Why a prepare is due, for people, or empty where nobody can say. */
};

/* How a run is to be recorded. */
struct run_beginning {
    bool is_recorded; /* Otherwise the steps are none that a fingerprint stands for. */
    bool initialises; /* It begins on a new database. */
};

/* A statement of the steps that waits for a lock in the server. */
struct lock_wait {
    int64_t waited_ms;                          /* So far; 0 where none waits. */
    char by[LOCK_WAIT_BY_LENGTH];               /* Whom it waits for, for people. */
    char statement[LOCK_WAIT_STATEMENT_LENGTH]; /* Its first words, without literals. */
};

/* What an attempt to fence off earlier runs came to. */
struct fence_report {
    int ended;                        /* How many of their statements were told to end just now. */
    int remaining;                    /* How many are there still; 0 when the steps may begin. */
    char holder[FENCE_HOLDER_LENGTH]; /* What is waited for and may not be ended, or empty. */
    struct lock_wait lock_wait;       /* While the steps run: the longest of their own. */
};

/* What each came to is an observation; where it is final or broken, the error says why. */
struct backend_operations {
    /* Connects, creating the database where that is allowed; tries until the connect timeout. */
    enum observation (*connect)(void *self, struct error *error);
    enum observation (*look)(void *self, struct look *look, struct error *error);
    /* Tries to take the lock; never waits for it. */
    enum observation (*lock_try)(void *self, struct error *error);
    void (*lock_release)(void *self);
    /* Before a waiter pauses: may hang up, so that waiting takes no slot from the steps. Returns
     * how long to pause. */
    int64_t (*rest)(void *self, int64_t pause_ms);
    /* Under the lock, before anything is touched: refuses what the steps would ruin or not finish,
     * and says why they are due. */
    enum observation (*preflight)(void *self, struct preflight *found, struct error *error);
    /* Under the lock: marks a run that died as interrupted (its row in *dead, id 0 where there is
     * none) and records a new one as running (*id, 0 where there is no ledger, or not yet). */
    enum observation (*run_begin)(void *self, const struct run_beginning *beginning, int64_t *id,
        struct run *dead, struct error *error);
    /* Under the lock: ends what earlier runs of this app still do in the server. To be repeated
     * before the first step until nothing remains, and now and then while the steps run, since a
     * step that was still booting connects later. */
    enum observation (*fence)(
        void *self, bool is_before_steps, struct fence_report *found, struct error *error);
    /* After a step that did not end well: the same to what this run itself left in the server. */
    void (*fence_own)(void *self);
    /* After a step that failed: names in the log what it left behind and Signalbox does not remove,
     * each thing once, with what removes it. */
    void (*name_remains)(void *self);
    /* NAME=VALUE by which the fence knows the steps of this run, or NULL. */
    const char *(*step_assignment)(void *self);
    /* A descriptor that the steps keep open, so that the lock lasts until they are gone; or -1. */
    int (*step_fd)(void *self);
    /* Records the outcome, and fills in the id of a run that is entered only now. Of a success it
     * fills in, recorded or not, whose databases are in order and whether the steps went elsewhere;
     * where they did, it has said so. */
    enum observation (*run_end)(void *self, struct run *outcome, struct error *error);
    /* The lock's dead man's switch, for a poll loop: watch guard_fd for reading until
     * guard_deadline_ms, then ask guard_holds; false means that the lock is lost. */
    int (*guard_fd)(void *self);
    int64_t (*guard_deadline_ms)(void *self);
    bool (*guard_holds)(void *self);
    const char *why_lost; /* How a lock is lost, in words. */
    /* For --status, instead of connect: reaches what is there, once and within the connect timeout,
     * takes no lock, and writes and creates nothing. SEEN_REFUSED with 69 where it cannot
     * be reached. Unless found->absent says that there is nothing yet, look may be asked after it.
     */
    enum observation (*history)(void *self, struct history *found, struct error *error);
    void (*disconnect)(void *self);
};

struct backend {
    const struct backend_operations *operations;
    void *self;
};

#endif
