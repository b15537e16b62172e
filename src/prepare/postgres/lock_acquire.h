/*
 * Trying the lock with as few connections as that needs: one while another replica holds it, two
 * once it is ours.
 */
#ifndef PREPARE_POSTGRES_LOCK_ACQUIRE_H
#define PREPARE_POSTGRES_LOCK_ACQUIRE_H

#include <stdint.h>

#include "prepare/postgres/link.h"
#include "prepare/postgres/lock.h"

struct lock_acquire {
    int64_t lock_key;
    int64_t trouble_since_ms; /* Since when only trying the lock breaks the connection; or 0. */
    int unproven;             /* How often in a row no second connection could be had. */
};

/* The backend's `lock_try`, over the link's session, which must be open. When the lock is taken,
 * that session is another connection, proven to work beside the lock's. Refused where no second one
 * can be had at all: the pool, or a limit, is too small. */
enum observation lock_acquire(struct lock_acquire *acquire, struct link *link, struct lock *lock,
    struct error *error) MUST_USE;

#endif
