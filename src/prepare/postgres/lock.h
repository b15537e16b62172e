/*
 * The advisory lock: a transaction of its own that stays open while the steps run, and its dead
 * man's switch. The session's opening is the caller's; whatever else happens in it gives the lock
 * away.
 */
#ifndef PREPARE_POSTGRES_LOCK_H
#define PREPARE_POSTGRES_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

struct guard {
    bool asked;          /* A sign of life has been asked for … */
    int64_t asked_ms;    /* … since then. */
    int64_t answered_ms; /* When the server last said that the lock is ours. */
    int64_t tended_ms;   /* When this process last looked after it. */
};

struct lock {
    struct session holder; /* Holds the lock, and does nothing else. */
    struct guard guard;
};

/* The first half of the key, "Sign"; the second is --lock-key. */
#define LOCK_CLASS "1399416686"

enum lock_outcome {
    LOCK_TAKEN,
    LOCK_HELD,     /* By another replica. */
    LOCK_READ_ONLY /* A standby's lock keeps nobody away: it was not kept. */
};

/* Whether somebody holds it, asked over any session to the database without a transaction, so that
 * a waiter needs no connection of its own for asking. */
enum session_result lock_is_held(
    struct session *session, int64_t lock_key, bool *is_held, int64_t deadline_ms) MUST_USE;

/* Tries the lock over `holder`, which the caller has put there, and never waits for it. The session
 * stays as it was unless the lock is taken. */
enum session_result lock_take(
    struct lock *lock, int64_t lock_key, enum lock_outcome *outcome, int64_t deadline_ms) MUST_USE;

/* Frees the lock and closes the session; harmless where neither is there. */
void lock_release(struct lock *lock);

/* Whether it was taken and not given back, as far as this side knows. */
bool lock_is_taken(const struct lock *lock);

/* For a poll loop: watch the descriptor until the deadline, then ask lock_holds; false means that
 * the lock is lost, or may be before the steps could be ended. */
int lock_fd(const struct lock *lock);
int64_t lock_deadline_ms(const struct lock *lock);
bool lock_holds(struct lock *lock);

#endif
