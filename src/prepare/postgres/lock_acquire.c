/*
 * The trap is a pool of one connection: the lock has it, and the ledger waits for it until somebody
 * kills the container. So a pooler is asked for the second one before the lock is taken, and
 * everybody after it, with a deadline.
 */
#include "prepare/postgres/lock_acquire.h"

#include <string.h>

#include "prepare/postgres/connect.h"
#include "prepare/postgres/failure_policy.h"
#include "prepare/postgres/slots.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"

enum { STATEMENT_TIMEOUT_MS = 30000, SECOND_CONNECTION_MS = 10000 };

/* A role with two connections could take the lock and never run a step. */
static enum observation refuse_too_few(struct postgres_backend *backend, struct error *error) {
    struct slots slots;
    enum slot_limit which = SLOTS_OF_SERVER;
    enum session_result result =
        slots_read(&backend->reader, &slots, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && slots_are_too_few(&slots, &which)) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s allows %lld connection%s; the lock, the ledger and a step need one each",
            which == SLOTS_OF_ROLE ? "the role's CONNECTION LIMIT" : "the server or the database",
            (long long)slots.limits[which].most, slots.limits[which].most == 1 ? "" : "s");
        return SEEN_REFUSED;
    }
    return failure_policy_session(backend, result, &backend->reader, error);
}

/* What it means that the second connection was not to be had, or gives no answer. */
static enum observation failure_policy_second(struct postgres_backend *backend,
    enum session_result result, const struct session *session, struct error *error) {
    bool is_silent = result == SESSION_TIMED_OUT ||
        (result == SESSION_FAILED &&
            strstr(session->failure.message, "query_wait_timeout") != NULL);
    if (result == SESSION_FAILED && session->failure.trouble == TROUBLE_NO_SLOT) {
        return connect_find_no_slot(backend, &session->failure, error);
    }
    if (!is_silent) {
        backend->unproven = 0;
        return failure_policy_session(backend, result, session, error);
    }
    /* Some poolers cannot be told from a server: these show themselves by doing it twice. */
    backend->unproven++;
    if (!backend->is_pooled && backend->unproven < 2) {
        return failure_policy_session(backend, SESSION_TIMED_OUT, session, error);
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "the pooler gave no second connection within 10 s: the lock keeps one for itself while the "
        "ledger and the steps need others, so its pool must have more than one or two "
        "(PgBouncer: default_pool_size, pool_size); or give --database-url the server's own "
        "address");
    return SEEN_REFUSED;
}

static enum session_result prove(struct session *session, int64_t deadline_ms) {
    return session_query(session, "SELECT 1", NULL, 0, deadline_ms);
}

/* Behind a pooler: opens what will be the reader once the lock has taken the first connection. */
static enum session_result open_spare(struct postgres_backend *backend, struct session *spare) {
    int64_t deadline_ms = deadline_after_ms(SECOND_CONNECTION_MS);
    if (!backend->is_pooled) {
        return SESSION_DONE;
    }
    enum session_result result = connect_once(backend, spare, deadline_ms);
    return result == SESSION_DONE ? prove(spare, deadline_ms) : result;
}

/* The reader's connection becomes the lock's, so that a waiter never needs two, and the one that
 * has the lock opens another; only a pooler, which may have no other, is asked for it before. */
static enum observation take(
    struct postgres_backend *backend, struct session *spare, struct error *error) {
    struct session *holder = &backend->lock.holder;
    enum lock_outcome outcome = LOCK_HELD;
    *holder = backend->reader;
    backend->reader = *spare;
    enum session_result result = lock_take(&backend->lock, backend->target->lock_key, &outcome,
        deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && outcome == LOCK_TAKEN) {
        int64_t deadline_ms = deadline_after_ms(SECOND_CONNECTION_MS);
        result = connect_reader_patiently(backend, deadline_ms);
        if (result == SESSION_DONE) {
            result = prove(&backend->reader, deadline_ms);
        }
        enum observation proven = failure_policy_second(backend, result, &backend->reader, error);
        backend->is_learned = true; /* Both go the same way. */
        if (proven != SEEN_DONE) {
            lock_release(&backend->lock);
            session_close(&backend->reader);
        }
        return proven;
    }
    enum observation seen = failure_policy_session(backend, result, holder, error);
    session_close(&backend->reader);
    backend->reader = *holder;
    *holder = (struct session){.connection = NULL};
    backend->is_learned = outcome != LOCK_READ_ONLY;
    if (seen != SEEN_DONE) {
        return seen;
    }
    if (outcome == LOCK_READ_ONLY) {
        error_set(error, EXIT_STATUS_UNAVAILABLE, "it has become read-only");
        return SEEN_GONE;
    }
    return SEEN_LOCK_HELD;
}

static enum observation try_lock(struct postgres_backend *backend, struct error *error) {
    struct session spare = {.connection = NULL};
    bool is_held = false;
    enum session_result result = lock_is_held(&backend->reader, backend->target->lock_key, &is_held,
        deadline_after_ms(STATEMENT_TIMEOUT_MS));
    enum observation seen = failure_policy_session(backend, result, &backend->reader, error);
    if (seen != SEEN_DONE || is_held) {
        return seen == SEEN_DONE ? SEEN_LOCK_HELD : seen;
    }
    seen = refuse_too_few(backend, error);
    if (seen == SEEN_DONE) {
        result = open_spare(backend, &spare);
        seen = failure_policy_second(backend, result, &spare, error);
    }
    if (seen != SEEN_DONE) {
        session_close(&spare);
        return seen;
    }
    return take(backend, &spare, error);
}

/* A connection that looks well and breaks whenever the lock is tried would otherwise be made anew
 * for ever. */
enum observation lock_acquire(struct postgres_backend *backend, struct error *error) {
    enum observation tried = try_lock(backend, error);
    int64_t now_ms = clock_now_ms();
    if (tried != SEEN_GONE) {
        backend->lock_trouble_since_ms = 0;
    } else if (backend->lock_trouble_since_ms == 0) {
        backend->lock_trouble_since_ms = now_ms;
    } else if (now_ms - backend->lock_trouble_since_ms >= backend->connect_timeout_ms) {
        error_add_context(error, "the connection breaks whenever the lock is tried");
        error->exit_status = EXIT_STATUS_UNAVAILABLE;
        return SEEN_REFUSED;
    }
    return tried;
}
