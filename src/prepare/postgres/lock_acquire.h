/*
 * Trying the lock with as few connections as that needs: one while another replica holds it, two
 * once it is ours.
 */
#ifndef PREPARE_POSTGRES_LOCK_ACQUIRE_H
#define PREPARE_POSTGRES_LOCK_ACQUIRE_H

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* The backend's `lock_try`, over the reader, which must be open. When the lock is taken, the
 * reader is another connection, proven to work beside the lock's. Refused where no second one is to
 * be had at all: the pool, or a limit, is too small. */
enum observation lock_acquire(struct postgres_backend *backend, struct error *error) MUST_USE;

#endif
