/*
 * The lock is pg_try_advisory_xact_lock in a transaction of its own connection: a session-level
 * lock behind a transaction pooler can be had twice, and a session blocked in pg_advisory_lock
 * holds a snapshot that a step's CREATE INDEX CONCURRENTLY waits for without end. So it is tried
 * and never waited for, and nothing that could fail happens in that transaction, since any error
 * there gives the lock away. No statement in it has parameters: the portal that the extended
 * protocol leaves open would hold a snapshot too.
 */
#include "prepare/postgres/lock.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"

_Static_assert(0x5369676E == 1399416686, "the class is the constant of the design");

enum {
    FAREWELL_MS = 2000,
    GUARD_INTERVAL_MS = 5000,
    GUARD_ANSWER_MS = 10000,
    GUARD_ABSENCE_MS = 20000 /* Longer than this without tending: we were stopped. */
};

/* Settings by set_config over pg_settings, which skips what a version does not know; SET would leak
 * through a pooler. An idle transaction that nobody looks after ends after 30 s: the server lets go
 * of a lock whose holder cannot be heard any more. */
static const char *const preparations[] = {
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "SELECT set_config(wanted.name, wanted.value, true) FROM (VALUES"
    " ('idle_in_transaction_session_timeout', '30s'), ('transaction_timeout', '0'),"
    " ('statement_timeout', '0'), ('lock_timeout', '0')) AS wanted (name, value)"
    " JOIN pg_settings USING (name)",
};

enum session_result lock_is_held(
    struct session *session, int64_t lock_key, bool *is_held, int64_t deadline_ms) {
    char statement[320];
    /* pg_locks shows both halves of the key unsigned. */
    (void)snprintf(statement, sizeof statement,
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
        " AND classid::bigint = " LOCK_CLASS " AND objid::bigint = %lu AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
        (unsigned long)(uint32_t)lock_key);
    enum session_result result = session_query(session, statement, NULL, 0, deadline_ms);
    *is_held = result == SESSION_DONE && session_row_count(session) > 0;
    return result;
}

/* A failover may come between the last look and this: it is asked in the same breath. */
static enum session_result try(
    struct lock *lock, int64_t lock_key, enum lock_outcome *outcome, int64_t deadline_ms) {
    struct session *session = &lock->holder;
    char statement[192];
    (void)snprintf(statement, sizeof statement,
        "SELECT pg_try_advisory_xact_lock(" LOCK_CLASS ", (%lld)::integer),"
        " pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean",
        (long long)lock_key);
    enum session_result result = session_query(session, statement, NULL, 0, deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    if (strcmp(session_value(session, 0, 1), "t") == 0) {
        *outcome = LOCK_READ_ONLY;
    } else if (strcmp(session_value(session, 0, 0), "t") == 0) {
        *outcome = LOCK_TAKEN;
    } else {
        *outcome = LOCK_HELD;
    }
    return SESSION_DONE;
}

enum session_result lock_take(
    struct lock *lock, int64_t lock_key, enum lock_outcome *outcome, int64_t deadline_ms) {
    struct session *session = &lock->holder;
    enum session_result result = SESSION_DONE;
    *outcome = LOCK_HELD;
    for (size_t i = 0; i < ARRAY_LENGTH(preparations) && result == SESSION_DONE; i++) {
        result = session_query(session, preparations[i], NULL, 0, deadline_ms);
    }
    if (result == SESSION_DONE) {
        result = try(lock, lock_key, outcome, deadline_ms);
    }
    if (result == SESSION_DONE && *outcome != LOCK_TAKEN) {
        result = session_query(session, "ROLLBACK", NULL, 0, deadline_ms);
    }
    int64_t now_ms = clock_now_ms();
    lock->guard = (struct guard){.answered_ms = now_ms, .tended_ms = now_ms};
    return result;
}

void lock_release(struct lock *lock) {
    if (lock->holder.connection != NULL && !lock->guard.asked) {
        /* A courtesy that frees the lock before we go; closing the connection frees it anyway. */
        (void)!session_query(&lock->holder, "ROLLBACK", NULL, 0, deadline_after_ms(FAREWELL_MS));
    }
    session_close(&lock->holder);
}

bool lock_is_taken(const struct lock *lock) {
    return lock->holder.connection != NULL &&
        (lock->guard.asked || session_in_transaction(&lock->holder));
}

int lock_fd(const struct lock *lock) {
    return session_fd(&lock->holder);
}

int64_t lock_deadline_ms(const struct lock *lock) {
    const struct guard *guard = &lock->guard;
    return guard->asked ? deadline_later_ms(guard->asked_ms, GUARD_ANSWER_MS)
                        : deadline_later_ms(guard->answered_ms, GUARD_INTERVAL_MS);
}

/* Every 5 s the server is asked for a sign of life, which also feeds its own timeout. It must be a
 * statement that takes no snapshot, since a CREATE INDEX CONCURRENTLY that sees one for a
 * millisecond waits for the whole transaction (measured: a look at pg_locks hung 1 of 30). While
 * the transaction is open the lock is ours: nothing but its end gives up a transaction-level lock.
 */
static bool ask(struct lock *lock, int64_t now_ms) {
    lock->guard.asked = true;
    lock->guard.asked_ms = now_ms;
    return session_send(&lock->holder, "SHOW transaction_isolation") == SESSION_DONE;
}

bool lock_holds(struct lock *lock) {
    struct guard *guard = &lock->guard;
    struct session *session = &lock->holder;
    int64_t now_ms = clock_now_ms();
    bool was_absent = now_ms - guard->tended_ms > GUARD_ABSENCE_MS;
    guard->tended_ms = now_ms;
    if (was_absent || session_is_lost(session)) {
        return false;
    }
    if (!guard->asked) {
        return now_ms < lock_deadline_ms(lock) || ask(lock, now_ms);
    }
    switch (session_advance(session)) {
    case SESSION_DONE:
        guard->asked = false;
        guard->answered_ms = now_ms;
        return session_in_transaction(session);
    case SESSION_PENDING:
        return now_ms < lock_deadline_ms(lock);
    case SESSION_FAILED:
    case SESSION_TIMED_OUT:
    case SESSION_CANCELLED:
        return false;
    }
    return false;
}
