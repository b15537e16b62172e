/*
 * The backend's looks at the databases: before a start, before the steps and after them.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_PREFLIGHT_H
#define PREPARE_POSTGRES_POSTGRES_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/link.h"
#include "prepare/postgres/lock.h"
#include "prepare/preflight/preflight_run.h"
#include "prepare/protocol/backend.h"
#include "signalbox/prepare/target.h"

struct postgres_preflight {
    const struct target *target;
    struct link *link;
    struct lock *lock; /* Tended meanwhile. */
    struct preflight_run run;
    struct run latest;                      /* The last success that a look has seen. */
    struct first_database first;            /* Before the steps. */
    char initialised[RUN_DATABASES_LENGTH]; /* The databases that the steps begin to initialise. */
    bool were_steps_seen;                   /* In the first database's server. */
};

/* Whether a success that the ledger shows counts: why it does not goes into `seen`. */
enum observation postgres_preflight_look(
    struct postgres_preflight *preflight, struct look *seen, struct error *error) MUST_USE;

/* The backend's `preflight`; `begun`: the databases that an unfinished run began to initialise.
 * Keeps for the ledger what the steps will initialise. */
enum observation postgres_preflight_judge(struct postgres_preflight *preflight, const char *begun,
    struct preflight *found, struct error *error) MUST_USE;

/* After the steps: enters into a success which databases are in order. */
void postgres_preflight_note(
    struct postgres_preflight *preflight, struct run *success, int64_t deadline_ms);

#endif
