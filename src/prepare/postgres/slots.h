/*
 * How many connections there are and who takes them. Waiting must never take the slots that the
 * steps need: so a waiter keeps its connection only while at least half of every limit is free,
 * hangs up between looks otherwise, and looks less often the more waiters there are.
 */
#ifndef PREPARE_POSTGRES_SLOTS_H
#define PREPARE_POSTGRES_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

enum slot_limit { SLOTS_OF_SERVER, SLOTS_OF_ROLE, SLOTS_OF_DATABASE, SLOT_LIMIT_COUNT };

struct slots {
    struct {
        int64_t most; /* Without what is reserved; negative: no limit. */
        int64_t taken;
    } limits[SLOT_LIMIT_COUNT];
    int64_t waiters; /* Signalbox's own connections but for this one and the lock's. */
};

/* Counts them. Any role may see what this asks for. */
enum session_result slots_read(
    struct session *session, struct slots *slots, int64_t deadline_ms) MUST_USE;

/* Whether of every limit at least half is free, and not less than steps may well need. */
bool slots_are_plenty(const struct slots *slots);

/* Whether steps may begin without further ado: nobody else is about, or there is plenty for the few
 * that are. Otherwise a crowd may be coming in, of which nothing shows until it is let in: then
 * *room is how many connections more should be had before the first step. */
bool slots_are_calm(const struct slots *slots, int *room);

/* Whether no run is possible at all: the lock, the ledger and a step need one connection each. The
 * limit is returned in *which. */
bool slots_are_too_few(const struct slots *slots, enum slot_limit *which);

/* What a waiter does between two looks. */
struct rest {
    bool hangs_up;
    int64_t
        base_ms; /* For the next rest: how long this one is before jitter; 0 when not hung up. */
    int64_t pause_ms;
};

/* What a waiter knows when it is about to pause. */
struct waiter {
    const struct slots *slots; /* NULL where the last attempt to look found no free slot. */
    bool is_pooled;       /* A pooler's slots cannot be counted: no connection to it is kept. */
    int64_t last_base_ms; /* That of the rest before. */
    int64_t pause_ms;     /* What it would pause for its own reasons. */
    int64_t look_ms;      /* The shortest look so far, with its connecting; 0: none yet. */
    int64_t counted;      /* How many hang up like this one, itself too; 0: nobody knows. */
};

/* Pure. */
struct rest slots_rest(const struct waiter *waiter, uint32_t random);

/* "free connections (97 of the server's 97 are taken, 12 of them by waiting replicas)". */
enum { SLOTS_TEXT_LENGTH = 160 };
void slots_describe(const struct slots *slots, char text[SLOTS_TEXT_LENGTH]);

#endif
