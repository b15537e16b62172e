/*
 * The backend over PostgreSQL: the advisory lock in a transaction that stays open while the
 * steps run, and the ledger over a second connection.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_BACKEND_H
#define PREPARE_POSTGRES_POSTGRES_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/fence.h"
#include "prepare/postgres/ledger.h"
#include "prepare/postgres/lock.h"
#include "prepare/postgres/servers.h"
#include "prepare/preflight/preflight_run.h"
#include "prepare/protocol/backend.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/session.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/interrupt.h"

struct postgres_backend {
    const struct target *target;
    const struct interrupt *interrupt;
    const char *release; /* A label for the ledger, or NULL. */
    int64_t connect_timeout_ms;
    int64_t trouble_since_ms; /* 0 while the server answers. */
    struct session reader;    /* Looks and records. */
    struct lock lock;
    struct ledger ledger;
    struct fence fence;
    struct servers servers;
    struct text roles; /* That the application has in its configuration, one a line. */
    struct preflight_run preflight_run;
    struct run latest; /* The last success that a look has seen. */
    char step_assignment[FENCE_ASSIGNMENT_LENGTH];
    bool has_ledger;
    bool is_ledger_there;                   /* Its table was seen. */
    bool is_ledger_late;                    /* The run is entered only after its steps. */
    bool initialises;                       /* What will be entered then, … */
    char initialised[RUN_DATABASES_LENGTH]; /* … and the databases that it begins to initialise. */
    struct first_database first;            /* Before the steps. */
    bool were_steps_seen;                   /* In the first database's server. */
    bool was_reached;
    bool is_learned; /* What follows is known of the reader's connection. */
    bool is_pooled;
    bool is_read_only;
    int64_t read_only_since_ms; /* 0 while the server can be written to. */
    int64_t look_began_ms;
    int64_t rest_base_ms;          /* The pace of a waiter that hangs up. */
    int64_t counted_ms;            /* When the slots were last found plenty. */
    int64_t uncalm_since_ms;       /* Since when the first step waits for slots; 0: not at all. */
    int calm_streak;               /* How often in a row there was room. */
    int64_t lock_trouble_since_ms; /* Since when only trying the lock breaks the connection. */
    int unproven;                  /* How often in a row no second connection was to be had. */
    char last_reason[480];         /* Why the database was not reached, reported once. */
    char said[480]; /* The last that the server or libpq said while in trouble, or empty. */
};

void postgres_backend_initialise(struct postgres_backend *backend, const struct target *target,
    const struct interrupt *interrupt, int64_t connect_timeout_ms, const char *release);

struct backend postgres_backend_interface(struct postgres_backend *backend);

#endif
