/*
 * The coordinator over PostgreSQL: the advisory lock in a transaction that stays open while the
 * steps run, and the ledger over a second connection.
 */
#ifndef PREPARE_POSTGRES_COORDINATOR_H
#define PREPARE_POSTGRES_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/coordinator.h"
#include "prepare/fence.h"
#include "prepare/ledger.h"
#include "signalbox/postgres/session.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/attention.h"

struct guard {
    bool asked;          /* A sign of life has been asked for … */
    int64_t asked_ms;    /* … since then. */
    int64_t answered_ms; /* When the server last said that the lock is ours. */
    int64_t tended_ms;   /* When this process last looked after it. */
};

struct postgres_coordinator {
    const struct target *target;
    const struct attention *attention;
    const char *release; /* A label for the ledger, or NULL. */
    int64_t connect_timeout_ms;
    int64_t trouble_since_ms; /* 0 while the server answers. */
    struct session reader;    /* Looks and records. */
    struct session holder;    /* Holds the lock, and does nothing else. */
    struct ledger ledger;
    struct fence fence;
    char step_assignment[FENCE_ASSIGNMENT_LENGTH];
    bool has_ledger;
    bool was_reached;
    struct guard guard;
    char last_reason[480]; /* Why the database was not reached, said once. */
};

void postgres_coordinator_initialise(struct postgres_coordinator *coordinator,
    const struct target *target, const struct attention *attention, int64_t connect_timeout_ms,
    const char *release);

struct coordinator postgres_coordinator_interface(struct postgres_coordinator *coordinator);

#endif
