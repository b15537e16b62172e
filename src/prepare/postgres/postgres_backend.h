/*
 * The backend over PostgreSQL: the advisory lock in a transaction that stays open while the
 * steps run, and the ledger over a second connection.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_BACKEND_H
#define PREPARE_POSTGRES_POSTGRES_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/fence.h"
#include "prepare/postgres/headroom.h"
#include "prepare/postgres/ledger.h"
#include "prepare/postgres/link.h"
#include "prepare/postgres/lock.h"
#include "prepare/postgres/lock_acquire.h"
#include "prepare/postgres/postgres_preflight.h"
#include "prepare/postgres/servers.h"
#include "prepare/protocol/backend.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/session.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/interrupt.h"

struct postgres_backend {
    const struct target *target;
    const char *release; /* A label for the ledger, or NULL. */
    struct link link;
    struct lock lock;
    struct lock_acquire acquire;
    struct headroom headroom;
    struct ledger ledger;
    struct fence fence;
    struct servers servers;
    struct text roles;   /* That the application has in its configuration, one a line. */
    struct text remains; /* That have been named, a line each. */
    struct postgres_preflight preflight;
    char step_assignment[FENCE_ASSIGNMENT_LENGTH];
    bool has_ledger;
    bool is_ledger_there; /* Its table was seen. */
    bool is_ledger_late;  /* The run is entered only after its steps. */
    bool initialises;     /* What will be entered then. */
};

void postgres_backend_initialise(struct postgres_backend *backend, const struct target *target,
    const struct interrupt *interrupt, int64_t connect_timeout_ms, const char *release);

struct backend postgres_backend_interface(struct postgres_backend *backend);

#endif
