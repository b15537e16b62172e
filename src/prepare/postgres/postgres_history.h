/*
 * What --status asks PostgreSQL.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_HISTORY_H
#define PREPARE_POSTGRES_POSTGRES_HISTORY_H

#include "prepare/protocol/backend.h"

/* The backend's operation `history`; `self` is a struct postgres_backend. */
enum observation postgres_history(void *self, struct history *found, struct error *error);

#endif
