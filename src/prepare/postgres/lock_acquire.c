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
static enum coordination refuse_too_few(
    struct postgres_coordinator *coordinator, struct error *error) {
    struct slots slots;
    enum slot_limit which = SLOTS_OF_SERVER;
    enum session_result result =
        slots_read(&coordinator->reader, &slots, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && slots_are_too_few(&slots, &which)) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s allows %lld connection%s; the lock, the ledger and a step need one each",
            which == SLOTS_OF_ROLE ? "the role's CONNECTION LIMIT" : "the server or the database",
            (long long)slots.limits[which].most, slots.limits[which].most == 1 ? "" : "s");
        return COORDINATION_REFUSED;
    }
    return conclude(coordinator, result, &coordinator->reader, error);
}

/* What it means that the second connection was not to be had, or gives no answer. */
static enum coordination conclude_second(struct postgres_coordinator *coordinator,
    enum session_result result, const struct session *session, struct error *error) {
    bool is_silent = result == SESSION_TIMED_OUT ||
        (result == SESSION_FAILED &&
            strstr(session->failure.message, "query_wait_timeout") != NULL);
    if (result == SESSION_FAILED && session->failure.trouble == TROUBLE_NO_SLOT) {
        return connect_find_no_slot(coordinator, &session->failure, error);
    }
    if (!is_silent) {
        coordinator->unproven = 0;
        return conclude(coordinator, result, session, error);
    }
    /* Some poolers cannot be told from a server: these show themselves by doing it twice. */
    coordinator->unproven++;
    if (!coordinator->is_pooled && coordinator->unproven < 2) {
        return conclude(coordinator, SESSION_TIMED_OUT, session, error);
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "the pooler gave no second connection within 10 s: the lock keeps one for itself while the "
        "ledger and the steps need others, so its pool must have more than one or two "
        "(PgBouncer: default_pool_size, pool_size); or give --database-url the server's own "
        "address");
    return COORDINATION_REFUSED;
}

static enum session_result prove(struct session *session, int64_t deadline_ms) {
    return session_query(session, "SELECT 1", NULL, 0, deadline_ms);
}

/* Behind a pooler: opens what will be the reader once the lock has taken the first connection. */
static enum session_result open_spare(
    struct postgres_coordinator *coordinator, struct session *spare) {
    int64_t deadline_ms = deadline_after_ms(SECOND_CONNECTION_MS);
    if (!coordinator->is_pooled) {
        return SESSION_DONE;
    }
    enum session_result result = connect_once(coordinator, spare, deadline_ms);
    return result == SESSION_DONE ? prove(spare, deadline_ms) : result;
}

/* The reader's connection becomes the lock's, so that a waiter never needs two, and the one that
 * has the lock opens another; only a pooler, which may have no other, is asked for it before. */
static enum coordination take(
    struct postgres_coordinator *coordinator, struct session *spare, struct error *error) {
    struct session *holder = &coordinator->lock.holder;
    enum lock_outcome outcome = LOCK_HELD;
    *holder = coordinator->reader;
    coordinator->reader = *spare;
    enum session_result result = lock_take(&coordinator->lock, coordinator->target->lock_key,
        &outcome, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && outcome == LOCK_TAKEN) {
        int64_t deadline_ms = deadline_after_ms(SECOND_CONNECTION_MS);
        result = connect_reader_patiently(coordinator, deadline_ms);
        if (result == SESSION_DONE) {
            result = prove(&coordinator->reader, deadline_ms);
        }
        enum coordination proven =
            conclude_second(coordinator, result, &coordinator->reader, error);
        coordinator->is_learned = true; /* Both go the same way. */
        if (proven != COORDINATION_DONE) {
            lock_release(&coordinator->lock);
            session_close(&coordinator->reader);
        }
        return proven;
    }
    enum coordination concluded = conclude(coordinator, result, holder, error);
    session_close(&coordinator->reader);
    coordinator->reader = *holder;
    *holder = (struct session){.connection = NULL};
    coordinator->is_learned = outcome != LOCK_READ_ONLY;
    if (concluded != COORDINATION_DONE) {
        return concluded;
    }
    if (outcome == LOCK_READ_ONLY) {
        error_set(error, EXIT_STATUS_UNAVAILABLE, "it has become read-only");
        return COORDINATION_GONE;
    }
    return COORDINATION_HELD;
}

static enum coordination try_lock(struct postgres_coordinator *coordinator, struct error *error) {
    struct session spare = {.connection = NULL};
    bool is_held = false;
    enum session_result result = lock_is_held(&coordinator->reader, coordinator->target->lock_key,
        &is_held, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    if (concluded != COORDINATION_DONE || is_held) {
        return concluded == COORDINATION_DONE ? COORDINATION_HELD : concluded;
    }
    concluded = refuse_too_few(coordinator, error);
    if (concluded == COORDINATION_DONE) {
        result = open_spare(coordinator, &spare);
        concluded = conclude_second(coordinator, result, &spare, error);
    }
    if (concluded != COORDINATION_DONE) {
        session_close(&spare);
        return concluded;
    }
    return take(coordinator, &spare, error);
}

/* A connection that looks well and breaks whenever the lock is tried would otherwise be made anew
 * for ever. */
enum coordination taking_try(struct postgres_coordinator *coordinator, struct error *error) {
    enum coordination tried = try_lock(coordinator, error);
    int64_t now_ms = clock_now_ms();
    if (tried != COORDINATION_GONE) {
        coordinator->lock_trouble_since_ms = 0;
    } else if (coordinator->lock_trouble_since_ms == 0) {
        coordinator->lock_trouble_since_ms = now_ms;
    } else if (now_ms - coordinator->lock_trouble_since_ms >= coordinator->connect_timeout_ms) {
        error_add_context(error, "the connection breaks whenever the lock is tried");
        error->exit_status = EXIT_STATUS_UNAVAILABLE;
        return COORDINATION_REFUSED;
    }
    return tried;
}
