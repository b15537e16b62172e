/*
 * The past and the lock, for --status.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_HISTORY_H
#define PREPARE_POSTGRES_POSTGRES_HISTORY_H

#include "prepare/postgres/ledger.h"
#include "prepare/postgres/link.h"
#include "signalbox/prepare/history.h"

/* The backend's operation `history`. */
enum observation postgres_history(
    struct link *link, struct ledger *ledger, struct history *found, struct error *error) MUST_USE;

#endif
