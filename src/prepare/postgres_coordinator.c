/*
 * The advisory lock and the ledger in PostgreSQL. The lock is pg_try_advisory_xact_lock in a
 * transaction of its own connection: a session-level lock behind a transaction pooler can be had
 * twice, and a session blocked in pg_advisory_lock holds a snapshot that a step's CREATE INDEX
 * CONCURRENTLY waits for without end. So it is tried and never waited for, and nothing that could
 * fail happens in that transaction, since any error there gives the lock away. No statement in it
 * has parameters: the portal that the extended protocol leaves open would hold a snapshot too.
 */
#include "prepare/postgres_coordinator.h"

#include <stdio.h>
#include <string.h>

#include "prepare/connect.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/text.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

/* "Sign"; the second half of the key is --lock-key. */
#define LOCK_CLASS "1399416686"
_Static_assert(0x5369676E == 1399416686, "the class is the constant of the design");

enum {
    STATEMENT_TIMEOUT_MS = 30000,
    FAREWELL_TIMEOUT_MS = 2000,
    FENCE_PAUSE_MS = 20,
    GUARD_INTERVAL_MS = 5000,
    GUARD_ANSWER_MS = 10000,
    GUARD_ABSENCE_MS = 20000 /* Longer than this without tending: we were stopped. */
};

static int64_t statement_deadline_ms(void) {
    return deadline_after_ms(STATEMENT_TIMEOUT_MS);
}

/* Whether the failure says that the connection or the server is in trouble, rather than that the
 * statement is refused: no code at all, class 08 (connection), 53 (resources), 57 (operator
 * intervention), 25P0x (the transaction was ended). */
static bool is_gone(const struct session_failure *failure) {
    const char *code = failure->sqlstate;
    return code[0] == '\0' || string_has_prefix(code, "08") || string_has_prefix(code, "53") ||
        string_has_prefix(code, "57") || string_has_prefix(code, "25P0");
}

static enum coordination conclude(struct postgres_coordinator *coordinator,
    enum session_result result, const struct session *session, struct error *error) {
    switch (result) {
    case SESSION_DONE:
        coordinator->trouble_since_ms = 0;
        return COORDINATION_DONE;
    case SESSION_CANCELLED:
        return COORDINATION_CANCELLED;
    case SESSION_FAILED:
        if (!is_gone(&session->failure)) {
            error_set(error, EXIT_STATUS_CONFIGURATION, "the database refuses what is needed: %s",
                session->failure.message);
            return COORDINATION_REFUSED;
        }
        break;
    case SESSION_PENDING:
    case SESSION_TIMED_OUT:
        break;
    }
    if (coordinator->trouble_since_ms == 0) {
        coordinator->trouble_since_ms = clock_now_ms();
    }
    return COORDINATION_GONE;
}

static void disconnect(void *self) {
    struct postgres_coordinator *coordinator = self;
    session_close(&coordinator->reader);
    session_close(&coordinator->holder);
    ledger_release(&coordinator->ledger);
}

/* Other servers speak PostgreSQL's protocol without having its locks. */
static enum coordination refuse_what_cannot_lock(
    struct postgres_coordinator *coordinator, struct error *error) {
    enum session_result result =
        session_query(&coordinator->reader, "SELECT version()", NULL, 0, statement_deadline_ms());
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    if (concluded == COORDINATION_DONE &&
        strstr(session_value(&coordinator->reader, 0, 0), "CockroachDB") != NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "CockroachDB gives an advisory lock to everybody who asks, so nothing would keep "
            "replicas apart: set SIGNALBOX_PREPARE=never and prepare before the deploy");
        return COORDINATION_REFUSED;
    }
    return concluded;
}

static enum coordination connect_to_database(void *self, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    int64_t began_ms = clock_now_ms();
    int64_t deadline_ms = coordinator->trouble_since_ms == 0
        ? deadline_after_ms(coordinator->connect_timeout_ms)
        : coordinator->trouble_since_ms + coordinator->connect_timeout_ms;
    disconnect(coordinator);
    if (coordinator->trouble_since_ms != 0) {
        /* What broke a moment ago is not asked again in the same breath. */
        if (attention_pause(coordinator->attention, deadline_after_ms(250))) {
            return COORDINATION_CANCELLED;
        }
    }
    enum coordination result = connect_patiently(coordinator, deadline_ms, error);
    if (result != COORDINATION_DONE || coordinator->was_reached) {
        return result;
    }
    result = refuse_what_cannot_lock(coordinator, error);
    if (result == COORDINATION_DONE) {
        AUTO_TEXT struct text description = {.data = NULL};
        struct event_fields fields = {.elapsed_ms = clock_now_ms() - began_ms};
        database_describe(coordinator->target->database, &description);
        report(EVENT_DATABASE_REACHED, &fields, "reached %s (from %s)", text_string(&description),
            coordinator->target->database->source);
        coordinator->was_reached = true;
    }
    return result;
}

/* Without a ledger the protocol still holds: every replica runs the steps in its turn. */
static enum coordination go_on_without_ledger(
    struct postgres_coordinator *coordinator, const struct session *session) {
    report(EVENT_LEDGER_UNAVAILABLE, NULL,
        "no ledger (%s): every replica runs the steps in its turn; GRANT USAGE, CREATE ON SCHEMA "
        "to this role would spare that",
        session->failure.message);
    coordinator->has_ledger = false;
    return COORDINATION_DONE;
}

/* The ledger's own refusals cost only the ledger; anything else is concluded as usual. */
static enum coordination conclude_ledger(
    struct postgres_coordinator *coordinator, enum session_result result, struct error *error) {
    if (result == SESSION_FAILED && !is_gone(&coordinator->reader.failure)) {
        return go_on_without_ledger(coordinator, &coordinator->reader);
    }
    return conclude(coordinator, result, &coordinator->reader, error);
}

static enum coordination look(void *self, struct look *seen, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    *seen = (struct look){.newest = {.state = RUN_NONE}};
    if (!coordinator->has_ledger) {
        return COORDINATION_DONE;
    }
    enum session_result result = SESSION_DONE;
    if (coordinator->ledger.table == NULL) {
        result = ledger_find(&coordinator->ledger, &coordinator->reader, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result =
            ledger_read(&coordinator->ledger, &coordinator->reader, seen, statement_deadline_ms());
    }
    enum coordination concluded = conclude_ledger(coordinator, result, error);
    seen->has_ledger = coordinator->has_ledger;
    return concluded;
}

/* Settings by set_config over pg_settings, which skips what a version does not know; SET would leak
 * through a pooler. An idle transaction that nobody looks after ends after 30 s: the server lets go
 * of a lock whose holder cannot be heard any more. */
static const char *const lock_statements[] = {
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "SELECT set_config(wanted.name, wanted.value, true) FROM (VALUES"
    " ('idle_in_transaction_session_timeout', '30s'), ('transaction_timeout', '0'),"
    " ('statement_timeout', '0'), ('lock_timeout', '0')) AS wanted (name, value)"
    " JOIN pg_settings USING (name)",
};

static enum session_result try_lock(struct postgres_coordinator *coordinator, bool *taken) {
    struct session *session = &coordinator->holder;
    char try_statement[128];
    for (size_t i = 0; i < ARRAY_LENGTH(lock_statements); i++) {
        enum session_result result =
            session_query(session, lock_statements[i], NULL, 0, statement_deadline_ms());
        if (result != SESSION_DONE) {
            return result;
        }
    }
    (void)snprintf(try_statement, sizeof try_statement,
        "SELECT pg_try_advisory_xact_lock(" LOCK_CLASS ", (%lld)::integer)",
        (long long)coordinator->target->lock_key);
    enum session_result result =
        session_query(session, try_statement, NULL, 0, statement_deadline_ms());
    *taken = result == SESSION_DONE && strcmp(session_value(session, 0, 0), "t") == 0;
    if (result == SESSION_DONE && !*taken) {
        result = session_query(session, "ROLLBACK", NULL, 0, statement_deadline_ms());
    }
    return result;
}

static enum coordination lock_try(void *self, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    enum session_result result = SESSION_DONE;
    bool taken = false;
    if (coordinator->holder.connection == NULL) {
        result = connect_once(coordinator, &coordinator->holder, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result = try_lock(coordinator, &taken);
    }
    enum coordination concluded = conclude(coordinator, result, &coordinator->holder, error);
    if (concluded != COORDINATION_DONE) {
        session_close(&coordinator->holder);
        return concluded;
    }
    int64_t now_ms = clock_now_ms();
    coordinator->guard = (struct guard){.answered_ms = now_ms, .tended_ms = now_ms};
    return taken ? COORDINATION_DONE : COORDINATION_HELD;
}

static void lock_release(void *self) {
    struct postgres_coordinator *coordinator = self;
    if (coordinator->holder.connection != NULL && !coordinator->guard.asked) {
        /* A courtesy that frees the lock before we go; closing the connection frees it anyway. */
        (void)!session_query(
            &coordinator->holder, "ROLLBACK", NULL, 0, deadline_after_ms(FAREWELL_TIMEOUT_MS));
    }
    session_close(&coordinator->holder);
}

static enum coordination run_begin(
    void *self, bool is_recorded, int64_t *id, struct run *dead, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    const struct ledger *ledger = &coordinator->ledger;
    struct session *reader = &coordinator->reader;
    *id = 0;
    *dead = (struct run){.state = RUN_NONE};
    enum coordination concluded = conclude(coordinator,
        fence_make(&coordinator->fence, reader, coordinator->target->database->schema_search_path,
            coordinator->target->lock_key, statement_deadline_ms()),
        reader, error);
    if (concluded != COORDINATION_DONE || !coordinator->has_ledger || !is_recorded) {
        return concluded;
    }
    enum session_result result = ledger_make(ledger, reader, statement_deadline_ms());
    if (result == SESSION_DONE) {
        result = ledger_bury(ledger, reader, dead, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result = ledger_begin(ledger, reader, coordinator->fence.run, report_host(),
            coordinator->release, id, statement_deadline_ms());
    }
    return conclude_ledger(coordinator, result, error);
}

/* The reader is opened when it is needed: the steps may take an hour, and a connection that idles
 * through it only takes a slot. */
static enum session_result reader_wake(
    struct postgres_coordinator *coordinator, int64_t deadline_ms) {
    return coordinator->reader.connection != NULL
        ? SESSION_DONE
        : connect_once(coordinator, &coordinator->reader, deadline_ms);
}

static enum session_result fence_once(struct postgres_coordinator *coordinator,
    bool is_before_steps, struct fence_sweep *sweep, int64_t deadline_ms) {
    enum session_result result = reader_wake(coordinator, deadline_ms);
    if (result == SESSION_DONE) {
        result = fence_sweep_others(&coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result =
            fence_look_at_rails_lock(&coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    return result;
}

static enum coordination fence(
    void *self, bool is_before_steps, struct fence_report *found, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    struct fence_sweep sweep = {.ended = 0};
    int64_t deadline_ms =
        is_before_steps ? statement_deadline_ms() : deadline_after_ms(FAREWELL_TIMEOUT_MS);
    enum session_result result = fence_once(coordinator, is_before_steps, &sweep, deadline_ms);
    *found = (struct fence_report){.ended = sweep.ended, .remaining = sweep.remaining};
    (void)snprintf(found->holder, sizeof found->holder, "%s", sweep.holder);
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    if (found->remaining == 0) {
        session_close(&coordinator->reader);
    }
    return concluded;
}

static void fence_own(void *self) {
    struct postgres_coordinator *coordinator = self;
    const struct attention *attention = coordinator->attention;
    static const struct attention nobody = {.fd = -1};
    struct fence_sweep sweep = {.remaining = 1};
    int64_t deadline_ms = deadline_after_ms(FAREWELL_TIMEOUT_MS);
    coordinator->attention = NULL;
    /* Ending a backend is asynchronous, so it is asked until it is gone. */
    while (reader_wake(coordinator, deadline_ms) == SESSION_DONE &&
        fence_sweep_own(&coordinator->fence, &coordinator->reader, &sweep, deadline_ms) ==
            SESSION_DONE &&
        sweep.remaining > 0 && !deadline_passed(deadline_ms)) {
        (void)attention_pause(&nobody, deadline_after_ms(FENCE_PAUSE_MS));
    }
    coordinator->attention = attention;
}

static const char *step_assignment(void *self) {
    struct postgres_coordinator *coordinator = self;
    fence_assignment(&coordinator->fence, coordinator->step_assignment);
    return coordinator->step_assignment;
}

/* A signal that has already ended the steps must not end their record too, so nothing is heeded
 * here but the clock. */
static enum coordination run_end(void *self, const struct run *outcome, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    bool changed = true;
    if (!coordinator->has_ledger || outcome->id == 0) {
        return COORDINATION_DONE;
    }
    const struct attention *attention = coordinator->attention;
    int64_t deadline_ms = deadline_after_ms(
        outcome->state == RUN_INTERRUPTED ? FAREWELL_TIMEOUT_MS : STATEMENT_TIMEOUT_MS);
    coordinator->attention = NULL;
    enum session_result result = reader_wake(coordinator, deadline_ms);
    if (result == SESSION_DONE) {
        result =
            ledger_end(&coordinator->ledger, &coordinator->reader, outcome, &changed, deadline_ms);
    }
    coordinator->attention = attention;
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    return concluded == COORDINATION_DONE && !changed ? COORDINATION_ELSEWHERE : concluded;
}

static int guard_fd(void *self) {
    const struct postgres_coordinator *coordinator = self;
    return session_fd(&coordinator->holder);
}

static int64_t guard_deadline_ms(void *self) {
    const struct postgres_coordinator *coordinator = self;
    const struct guard *guard = &coordinator->guard;
    return guard->asked ? guard->asked_ms + GUARD_ANSWER_MS
                        : guard->answered_ms + GUARD_INTERVAL_MS;
}

/* Every 5 s the server is asked for a sign of life, which also feeds its own timeout. It must be a
 * statement that takes no snapshot, since a CREATE INDEX CONCURRENTLY that sees one for a
 * millisecond waits for the whole transaction (measured: a look at pg_locks hung 1 of 30). While
 * the transaction is open the lock is ours: nothing but its end gives up a transaction-level lock.
 */
static bool guard_ask(struct postgres_coordinator *coordinator, int64_t now_ms) {
    coordinator->guard.asked = true;
    coordinator->guard.asked_ms = now_ms;
    return session_send(&coordinator->holder, "SHOW transaction_isolation") == SESSION_DONE;
}

static bool guard_holds(void *self) {
    struct postgres_coordinator *coordinator = self;
    struct guard *guard = &coordinator->guard;
    struct session *session = &coordinator->holder;
    int64_t now_ms = clock_now_ms();
    bool was_absent = now_ms - guard->tended_ms > GUARD_ABSENCE_MS;
    guard->tended_ms = now_ms;
    if (was_absent || session_is_lost(session)) {
        return false;
    }
    if (!guard->asked) {
        return now_ms < guard->answered_ms + GUARD_INTERVAL_MS || guard_ask(coordinator, now_ms);
    }
    switch (session_advance(session)) {
    case SESSION_DONE:
        guard->asked = false;
        guard->answered_ms = now_ms;
        return session_in_transaction(session);
    case SESSION_PENDING:
        return now_ms < guard->asked_ms + GUARD_ANSWER_MS;
    case SESSION_FAILED:
    case SESSION_TIMED_OUT:
    case SESSION_CANCELLED:
        return false;
    }
    return false;
}

void postgres_coordinator_initialise(struct postgres_coordinator *coordinator,
    const struct target *target, const struct attention *attention, int64_t connect_timeout_ms,
    const char *release) {
    *coordinator = (struct postgres_coordinator){
        .target = target,
        .attention = attention,
        .release = release,
        .connect_timeout_ms = connect_timeout_ms,
        .has_ledger = target->has_fingerprint,
        .ledger = {.fingerprint = target->fingerprint,
            .search_path = target->database->schema_search_path},
    };
    (void)snprintf(coordinator->ledger.lock_key, sizeof coordinator->ledger.lock_key, "%lld",
        (long long)target->lock_key);
}

struct coordinator postgres_coordinator_interface(struct postgres_coordinator *coordinator) {
    static const struct coordinator_operations operations = {
        .connect = connect_to_database,
        .look = look,
        .lock_try = lock_try,
        .lock_release = lock_release,
        .run_begin = run_begin,
        .fence = fence,
        .fence_own = fence_own,
        .step_assignment = step_assignment,
        .run_end = run_end,
        .guard_fd = guard_fd,
        .guard_deadline_ms = guard_deadline_ms,
        .guard_holds = guard_holds,
        .disconnect = disconnect,
    };
    return (struct coordinator){.operations = &operations, .self = coordinator};
}
