/*
 * Takes the lock, and first makes sure that there are connections for what follows.
 * The trap: a pool of one connection. The lock has it, and the ledger waits for it until a person
 * kills the container. So a pooler is asked for the second connection before the lock is taken, and
 * for each one after it, with a deadline.
 */
#include "prepare/postgres/lock_acquire.h"

#include <string.h>

#include "prepare/postgres/slots.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/database/login.h"

enum { STATEMENT_TIMEOUT_MS = 30000, SECOND_CONNECTION_MS = 10000 };

/* A role with two connections could take the lock and never run a step. */
static enum observation refuse_too_few(struct link *link, struct error *error) {
    struct slots slots;
    enum slot_limit which = SLOTS_OF_SERVER;
    enum session_result result =
        slots_read(&link->session, &slots, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && slots_are_too_few(&slots, &which)) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s allows %lld connection%s; the lock, the ledger and a step need one each",
            which == SLOTS_OF_ROLE ? "the role's CONNECTION LIMIT" : "the server or the database",
            (long long)slots.limits[which].most, slots.limits[which].most == 1 ? "" : "s");
        return SEEN_REFUSED;
    }
    return link_judge(link, result, &link->session, error);
}

/* What it means that the second connection was not to be had, or gives no answer. */
static enum observation judge_second(struct lock_acquire *acquire, struct link *link,
    enum session_result result, const struct session *session, struct error *error) {
    bool is_silent = result == SESSION_TIMED_OUT ||
        (result == SESSION_FAILED &&
            strstr(session->failure.message, "query_wait_timeout") != NULL);
    if (result == SESSION_FAILED && session->failure.trouble == TROUBLE_NO_SLOT) {
        return link_find_no_slot(link, &session->failure, error);
    }
    if (!is_silent) {
        acquire->unproven = 0;
        return link_judge(link, result, session, error);
    }
    /* Some poolers cannot be told from a server: these show themselves by doing it twice. */
    acquire->unproven++;
    if (!link->is_pooled && acquire->unproven < 2) {
        return link_judge(link, SESSION_TIMED_OUT, session, error);
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

static int64_t second_deadline_ms(const struct link *link) {
    return login_deadline_ms(link->database, SECOND_CONNECTION_MS);
}

/* Behind a pooler: opens what will be the reader once the lock has taken the first connection. */
static enum session_result open_spare(struct link *link, struct session *spare) {
    int64_t deadline_ms = second_deadline_ms(link);
    if (!link->is_pooled) {
        return SESSION_DONE;
    }
    enum session_result result = link_open_another(link, spare, deadline_ms);
    return result == SESSION_DONE ? prove(spare, deadline_ms) : result;
}

/* The reader's connection becomes the lock's, so that a waiter never needs two, and the one that
 * has the lock opens another; only a pooler, which may have no other, is asked for it before. */
static enum observation take(struct lock_acquire *acquire, struct link *link, struct lock *lock,
    struct session *spare, struct error *error) {
    struct session *holder = &lock->holder;
    enum lock_outcome outcome = LOCK_HELD;
    *holder = link->session;
    link->session = *spare;
    enum session_result result =
        lock_take(lock, acquire->lock_key, &outcome, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    if (result == SESSION_DONE && outcome == LOCK_TAKEN) {
        int64_t deadline_ms = second_deadline_ms(link);
        result = link_insist(link, deadline_ms);
        if (result == SESSION_DONE) {
            result = prove(&link->session, deadline_ms);
        }
        enum observation proven = judge_second(acquire, link, result, &link->session, error);
        link->is_learned = true; /* Both go the same way. */
        if (proven != SEEN_DONE) {
            lock_release(lock);
            session_close(&link->session);
        }
        return proven;
    }
    enum observation seen = link_judge(link, result, holder, error);
    session_close(&link->session);
    link->session = *holder;
    *holder = (struct session){.connection = NULL};
    link->is_learned = outcome != LOCK_READ_ONLY;
    if (seen != SEEN_DONE) {
        return seen;
    }
    if (outcome == LOCK_READ_ONLY) {
        error_set(error, EXIT_STATUS_UNAVAILABLE, "it has become read-only");
        return SEEN_GONE;
    }
    return SEEN_LOCK_HELD;
}

static enum observation try_lock(
    struct lock_acquire *acquire, struct link *link, struct lock *lock, struct error *error) {
    struct session spare = {.connection = NULL};
    bool is_held = false;
    enum session_result result = lock_is_held(
        &link->session, acquire->lock_key, &is_held, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    enum observation seen = link_judge(link, result, &link->session, error);
    if (seen != SEEN_DONE || is_held) {
        return seen == SEEN_DONE ? SEEN_LOCK_HELD : seen;
    }
    seen = refuse_too_few(link, error);
    if (seen == SEEN_DONE) {
        result = open_spare(link, &spare);
        seen = judge_second(acquire, link, result, &spare, error);
    }
    if (seen != SEEN_DONE) {
        session_close(&spare);
        return seen;
    }
    return take(acquire, link, lock, &spare, error);
}

/* A connection that looks well and breaks whenever the lock is tried would otherwise be made anew
 * for ever. */
enum observation lock_acquire(
    struct lock_acquire *acquire, struct link *link, struct lock *lock, struct error *error) {
    enum observation tried = try_lock(acquire, link, lock, error);
    int64_t now_ms = clock_now_ms();
    if (tried != SEEN_GONE) {
        acquire->trouble_since_ms = 0;
    } else if (acquire->trouble_since_ms == 0) {
        acquire->trouble_since_ms = now_ms;
    } else if (now_ms - acquire->trouble_since_ms >= link->connect_timeout_ms) {
        error_add_context(error, "the connection breaks whenever the lock is tried");
        error->exit_status = EXIT_STATUS_UNAVAILABLE;
        return SEEN_REFUSED;
    }
    return tried;
}
