/*
 * Lock, ledger, fence and inspection in PostgreSQL, put together. The trap is a refusal that is
 * only passing: what a server says while it restarts must never end a boot.
 */
#include "prepare/postgres_coordinator.h"

#include <stdio.h>
#include <string.h>

#include "prepare/connect.h"
#include "prepare/postgres_history.h"
#include "prepare/slots.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

enum {
    STATEMENT_TIMEOUT_MS = 30000,
    FAREWELL_TIMEOUT_MS = 2000,
    RECORD_ATTEMPT_MS = 5000,
    RECORD_PAUSE_MS = 250,
    FENCE_PAUSE_MS = 20,
    SECOND_CONNECTION_MS = 10000,
    COUNT_TIMEOUT_MS = 5000,
    COUNT_EVERY_MS = 1000, /* A waiter that keeps its connection. */
    CALM_TIMEOUT_MS = 30000,
    CALM_STREAK = 3,
    AFTER_TROUBLE_MS = 250,
    AFTER_STANDBY_MS = 1000
};

static int64_t statement_deadline_ms(void) {
    return deadline_after_ms(STATEMENT_TIMEOUT_MS);
}

/* Whether the failure says that the connection or the server is in trouble, rather than that the
 * statement is refused: no code at all, class 08 (connection), 53 (resources), 57 (operator
 * intervention), 25P0x (the transaction was ended), a database that is gone. */
static bool is_gone(const struct session_failure *failure) {
    const char *code = failure->sqlstate;
    if (failure->trouble == TROUBLE_FINAL) {
        return false; /* Whatever code a pooler gives it. */
    }
    return failure->trouble == TROUBLE_MISSING_DATABASE || code[0] == '\0' || string_has_prefix(code, "08") || string_has_prefix(code, "53") ||
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
    session_close(&coordinator->lock.holder);
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

static enum coordination refuse_standby(
    const struct postgres_coordinator *coordinator, struct error *error) {
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(coordinator->target->database, &description);
    error_set(error, EXIT_STATUS_UNAVAILABLE,
        "%s (from %s) is read-only (a standby, or default_transaction_read_only) and did not "
        "become writable before --connect-timeout",
        text_string(&description), coordinator->target->database->source);
    return COORDINATION_REFUSED;
}

static enum coordination connect_to_database(void *self, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    int64_t began_ms = clock_now_ms();
    bool was_standby = coordinator->read_only_since_ms != 0;
    int64_t since_ms = was_standby ? coordinator->read_only_since_ms : coordinator->trouble_since_ms;
    int64_t deadline_ms = since_ms == 0 ? deadline_after_ms(coordinator->connect_timeout_ms)
                                        : since_ms + coordinator->connect_timeout_ms;
    disconnect(coordinator);
    if (was_standby && deadline_passed(deadline_ms)) {
        return refuse_standby(coordinator, error);
    }
    if (since_ms != 0) {
        /* What broke a moment ago is not asked again in the same breath. */
        int64_t pause_ms = was_standby ? jittered_ms(AFTER_STANDBY_MS, random_number())
                                       : AFTER_TROUBLE_MS;
        if (attention_pause(coordinator->attention, deadline_after_ms(pause_ms))) {
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

/* What the database's owner would have to say; the role is the one that we came as. */
static void append_grant(const struct postgres_coordinator *coordinator, struct text *grant) {
    const struct ledger *ledger = &coordinator->ledger;
    const char *user = coordinator->target->database->user;
    if (ledger->table != NULL && coordinator->is_ledger_there) {
        text_append_format(grant, "GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ", ledger->table);
    } else {
        text_append_format(grant, "GRANT USAGE, CREATE ON SCHEMA %s TO ",
            ledger->schema == NULL ? "public" : ledger->schema);
    }
    if (user != NULL) {
        text_append_format(grant, "\"%s\"", user);
    } else {
        text_append_string(grant, "its role");
    }
}

/* Without a ledger the protocol still holds: every replica runs the steps in its turn. */
static enum coordination go_on_without_ledger(
    struct postgres_coordinator *coordinator, const struct session *session) {
    AUTO_TEXT struct text grant = {.data = NULL};
    append_grant(coordinator, &grant);
    report(EVENT_LEDGER_UNAVAILABLE, NULL,
        "no ledger (%s): every replica runs the steps in its turn; what would spare that: %s",
        session->failure.message, text_string(&grant));
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

static void note_read_only(struct postgres_coordinator *coordinator) {
    if (!coordinator->is_read_only) {
        coordinator->read_only_since_ms = 0;
    } else if (coordinator->read_only_since_ms == 0) {
        static const struct session_failure standby = {
            .message = "it is read-only (a standby, or default_transaction_read_only); nothing can "
                       "be run there, but what its ledger says counts"};
        coordinator->read_only_since_ms = clock_now_ms();
        connect_note(coordinator, &standby);
    }
}

/* Opens the reader where a waiter had hung up, and learns what is at its other end. */
static enum session_result reader_learn(
    struct postgres_coordinator *coordinator, int64_t deadline_ms) {
    struct session *reader = &coordinator->reader;
    enum session_result result =
        reader->connection == NULL ? connect_reader(coordinator, deadline_ms) : SESSION_DONE;
    if (result != SESSION_DONE || coordinator->is_learned) {
        return result;
    }
    result = session_query(reader,
        "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean", NULL, 0,
        deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    coordinator->is_read_only = strcmp(session_value(reader, 0, 0), "t") == 0;
    coordinator->is_pooled = session_is_pooled(reader, deadline_ms);
    coordinator->is_learned = reader->connection != NULL;
    note_read_only(coordinator);
    return SESSION_DONE;
}

/* The server is there, but it, or the pooler in front of it, has no connection for us just now.
 * That is nothing to give up for: --wait-timeout says how long one waits. */
static bool is_crowded(const struct postgres_coordinator *coordinator, enum session_result result,
    const struct session_failure *failure) {
    bool is_queued = coordinator->is_pooled &&
        (result == SESSION_TIMED_OUT ||
            (result == SESSION_FAILED && strstr(failure->message, "query_wait_timeout") != NULL));
    return coordinator->was_reached &&
        (is_queued || (result == SESSION_FAILED && failure->trouble == TROUBLE_NO_SLOT));
}

static enum coordination give_way(
    struct postgres_coordinator *coordinator, enum session_result result) {
    static const struct session_failure queued = {
        .trouble = TROUBLE_NO_SLOT, .message = "the pooler has none free"};
    connect_note(
        coordinator, result == SESSION_TIMED_OUT ? &queued : &coordinator->reader.failure);
    session_close(&coordinator->reader);
    return COORDINATION_CROWDED;
}

static enum coordination look(void *self, struct look *seen, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    *seen = (struct look){.newest = {.state = RUN_NONE}};
    coordinator->look_began_ms = clock_now_ms();
    enum session_result result = reader_learn(coordinator, statement_deadline_ms());
    seen->is_read_only = coordinator->is_read_only;
    if (is_crowded(coordinator, result, &coordinator->reader.failure)) {
        return give_way(coordinator, result);
    }
    if (result != SESSION_DONE || !coordinator->has_ledger) {
        return conclude(coordinator, result, &coordinator->reader, error);
    }
    if (coordinator->ledger.table == NULL) {
        result = ledger_find(&coordinator->ledger, &coordinator->reader, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result = ledger_read(&coordinator->ledger, &coordinator->reader, seen,
            &coordinator->is_ledger_there, statement_deadline_ms());
    }
    enum coordination concluded = conclude_ledger(coordinator, result, error);
    seen->has_ledger = coordinator->has_ledger;
    return concluded;
}

/* A role with two connections could take the lock and never run a step. */
static enum coordination refuse_too_few(
    struct postgres_coordinator *coordinator, struct error *error) {
    struct slots slots;
    enum slot_limit which = SLOTS_OF_SERVER;
    enum session_result result = slots_read(&coordinator->reader, &slots, statement_deadline_ms());
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
        connect_note(coordinator, &session->failure);
        return COORDINATION_CROWDED;
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
    enum session_result result = lock_take(
        &coordinator->lock, coordinator->target->lock_key, &outcome, statement_deadline_ms());
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
    return outcome == LOCK_READ_ONLY ? COORDINATION_GONE : COORDINATION_HELD;
}

static enum coordination try_lock(struct postgres_coordinator *coordinator, struct error *error) {
    struct session spare = {.connection = NULL};
    bool is_held = false;
    enum session_result result = lock_is_held(&coordinator->reader, coordinator->target->lock_key,
        &is_held, statement_deadline_ms());
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
static enum coordination lock_try(void *self, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    enum coordination tried = try_lock(coordinator, error);
    int64_t now_ms = clock_now_ms();
    if (tried != COORDINATION_GONE) {
        coordinator->lock_trouble_since_ms = 0;
    } else if (coordinator->lock_trouble_since_ms == 0) {
        coordinator->lock_trouble_since_ms = now_ms;
    } else if (now_ms - coordinator->lock_trouble_since_ms >= coordinator->connect_timeout_ms) {
        error_set(error, EXIT_STATUS_UNAVAILABLE,
            "the connection breaks whenever the lock is tried: %s",
            coordinator->lock.holder.failure.message);
        return COORDINATION_REFUSED;
    }
    return tried;
}

static void let_go(void *self) {
    struct postgres_coordinator *coordinator = self;
    lock_release(&coordinator->lock);
}

static int64_t rest(void *self, int64_t pause_ms) {
    struct postgres_coordinator *coordinator = self;
    struct slots slots;
    int64_t now_ms = clock_now_ms();
    bool is_connected = coordinator->reader.connection != NULL;
    if (is_connected && coordinator->counted_ms != 0 &&
        now_ms - coordinator->counted_ms < COUNT_EVERY_MS) {
        return pause_ms;
    }
    bool is_counted = is_connected &&
        slots_read(&coordinator->reader, &slots, deadline_after_ms(COUNT_TIMEOUT_MS)) ==
            SESSION_DONE;
    struct waiter waiter = {
        .slots = is_counted ? &slots : NULL,
        .is_pooled = coordinator->is_pooled,
        .last_base_ms = coordinator->rest_base_ms,
        .pause_ms = pause_ms,
        .looked_ms = clock_now_ms() - coordinator->look_began_ms,
    };
    struct rest decided = slots_rest(&waiter, random_number());
    coordinator->rest_base_ms = decided.base_ms;
    coordinator->counted_ms = decided.hangs_up ? 0 : now_ms;
    if (decided.hangs_up) {
        session_close(&coordinator->reader);
    }
    return decided.pause_ms;
}

static enum coordination inspect(void *self, struct inspection *found, struct error *error) {
    (void)self;
    (void)error;
    *found = (struct inspection){.is_new = false};
    return COORDINATION_DONE;
}

/* Under the lock, with a table that is there: buries the dead and enters the new run. */
static enum session_result enter(
    struct postgres_coordinator *coordinator, int64_t *id, struct run *dead, int64_t deadline_ms) {
    const struct ledger *ledger = &coordinator->ledger;
    struct session *reader = &coordinator->reader;
    struct ledger_entry entry = {.run = coordinator->fence.run,
        .host = report_host(),
        .release = coordinator->release,
        .initialises = coordinator->initialises};
    bool was_there = coordinator->is_ledger_there;
    enum session_result result =
        ledger_make(ledger, reader, &coordinator->is_ledger_there, deadline_ms);
    if (result == SESSION_DONE && !was_there) {
        report(EVENT_LEDGER_MADE, NULL, "the ledger of runs is the table %s", ledger->table);
    }
    if (result == SESSION_DONE) {
        result = ledger_bury(ledger, reader, dead, deadline_ms);
    }
    return result == SESSION_DONE ? ledger_begin(ledger, reader, &entry, id, deadline_ms) : result;
}

/* A schema file that names the ledger's table makes the table itself, and could not over one that
 * is there already. */
static enum session_result decide_when_to_enter(
    struct postgres_coordinator *coordinator, int64_t deadline_ms) {
    bool exists = false;
    enum session_result result =
        ledger_exists(&coordinator->ledger, &coordinator->reader, &exists, deadline_ms);
    coordinator->is_ledger_late = result == SESSION_DONE && !exists;
    if (coordinator->is_ledger_late) {
        report(EVENT_LEDGER_LATE, NULL,
            "%s names signalbox_runs, so the ledger is made after the steps and a run that is "
            "killed leaves no trace; take the table out of it, and set "
            "ActiveRecord::SchemaDumper.ignore_tables = [\"signalbox_runs\"]",
            coordinator->target->ledger_named_in);
    }
    return result;
}

static enum coordination run_begin(void *self, const struct run_beginning *beginning, int64_t *id,
    struct run *dead, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    struct session *reader = &coordinator->reader;
    *id = 0;
    *dead = (struct run){.state = RUN_NONE};
    coordinator->initialises = beginning->initialises;
    coordinator->is_ledger_late = false;
    enum coordination concluded = conclude(coordinator,
        fence_make(&coordinator->fence, reader, coordinator->target->database->schema_search_path,
            coordinator->target->lock_key, statement_deadline_ms()),
        reader, error);
    if (concluded != COORDINATION_DONE || !coordinator->has_ledger || !beginning->is_recorded) {
        return concluded;
    }
    enum session_result result = SESSION_DONE;
    if (coordinator->target->ledger_named_in[0] != '\0') {
        result = decide_when_to_enter(coordinator, statement_deadline_ms());
    }
    if (result == SESSION_DONE && !coordinator->is_ledger_late) {
        result = enter(coordinator, id, dead, statement_deadline_ms());
    }
    return conclude_ledger(coordinator, result, error);
}

static enum session_result fence_once(struct postgres_coordinator *coordinator,
    bool is_before_steps, struct fence_sweep *sweep, int64_t deadline_ms) {
    enum session_result result = connect_reader_patiently(coordinator, deadline_ms);
    if (result == SESSION_DONE) {
        result = fence_sweep_others(&coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result =
            fence_look_at_rails_lock(&coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    return result;
}

/* Replicas that came together are still coming in and hanging up: among them the first step could
 * be refused its connection. Those that the server is only letting in show in no view, so what the
 * step will need is tried. Not waited for longer than it takes them, whatever the count says. */
static enum session_result wait_for_calm(struct postgres_coordinator *coordinator,
    struct fence_report *found, int64_t deadline_ms) {
    struct slots slots;
    int room = 0;
    enum session_result result = slots_read(&coordinator->reader, &slots, deadline_ms);
    int64_t now_ms = clock_now_ms();
    if (result != SESSION_DONE || slots_are_calm(&slots, &room)) {
        return result;
    }
    if (coordinator->uncalm_since_ms == 0) {
        coordinator->uncalm_since_ms = now_ms;
    }
    bool has_room = connect_has_room(coordinator, room, deadline_ms);
    coordinator->calm_streak = has_room ? coordinator->calm_streak + 1 : 0;
    if (coordinator->calm_streak < CALM_STREAK &&
        now_ms - coordinator->uncalm_since_ms < CALM_TIMEOUT_MS) {
        found->remaining = 1;
        slots_describe(&slots, found->holder);
    }
    return SESSION_DONE;
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
    if (result == SESSION_DONE && is_before_steps && sweep.remaining == 0) {
        result = wait_for_calm(coordinator, found, deadline_ms);
    }
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    if (found->remaining == 0) {
        /* The steps may take an hour, and a connection that idles through it only takes a slot. */
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
    while (connect_reader_patiently(coordinator, deadline_ms) == SESSION_DONE &&
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

/* The lock is a connection's; what a step leaves in the server, the fence ends. */
static int step_fd(void *self) {
    (void)self;
    return -1;
}

static enum session_result write_outcome(struct postgres_coordinator *coordinator,
    const struct run *outcome, bool *changed, int64_t deadline_ms) {
    struct run entered = *outcome;
    struct run dead;
    enum session_result result = connect_reader_patiently(coordinator, deadline_ms);
    if (result == SESSION_DONE && entered.id == 0) {
        result = enter(coordinator, &entered.id, &dead, deadline_ms);
    }
    return result == SESSION_DONE
        ? ledger_end(&coordinator->ledger, &coordinator->reader, &entered, changed, deadline_ms)
        : result;
}

/* Tries again while nobody else can run: the lock is tended meanwhile. */
static enum session_result write_patiently(
    struct postgres_coordinator *coordinator, const struct run *outcome, bool *changed) {
    static const struct attention nobody = {.fd = -1};
    bool is_stopped = outcome->state == RUN_INTERRUPTED;
    int64_t deadline_ms =
        deadline_after_ms(is_stopped ? FAREWELL_TIMEOUT_MS : STATEMENT_TIMEOUT_MS);
    for (;;) {
        enum session_result result = write_outcome(coordinator, outcome, changed,
            deadline_earlier(deadline_ms, deadline_after_ms(RECORD_ATTEMPT_MS)));
        if (result == SESSION_DONE ||
            (result == SESSION_FAILED && !is_gone(&coordinator->reader.failure)) ||
            deadline_passed(deadline_ms) || !(is_stopped || lock_holds(&coordinator->lock))) {
            return result;
        }
        session_close(&coordinator->reader);
        (void)attention_pause(&nobody, deadline_after_ms(RECORD_PAUSE_MS));
    }
}

/* A signal that has already ended the steps must not end their record too, so nothing is heeded
 * here but the clock. */
static enum coordination run_end(void *self, const struct run *outcome, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    bool changed = true;
    if (!coordinator->has_ledger || (outcome->id == 0 && !coordinator->is_ledger_late)) {
        return COORDINATION_DONE;
    }
    const struct attention *attention = coordinator->attention;
    coordinator->attention = NULL;
    enum session_result result = write_patiently(coordinator, outcome, &changed);
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    if (concluded == COORDINATION_DONE && changed && outcome->state == RUN_SUCCEEDED) {
        /* Rows too many harm nobody today. */
        (void)!ledger_prune(
            &coordinator->ledger, &coordinator->reader, deadline_after_ms(FAREWELL_TIMEOUT_MS));
    }
    coordinator->attention = attention;
    return concluded == COORDINATION_DONE && !changed ? COORDINATION_ELSEWHERE : concluded;
}

static int guard_fd(void *self) {
    const struct postgres_coordinator *coordinator = self;
    return lock_fd(&coordinator->lock);
}

static int64_t guard_deadline_ms(void *self) {
    const struct postgres_coordinator *coordinator = self;
    return lock_deadline_ms(&coordinator->lock);
}

static bool guard_holds(void *self) {
    struct postgres_coordinator *coordinator = self;
    return lock_holds(&coordinator->lock);
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
        .lock_release = let_go,
        .rest = rest,
        .inspect = inspect,
        .run_begin = run_begin,
        .fence = fence,
        .fence_own = fence_own,
        .step_assignment = step_assignment,
        .step_fd = step_fd,
        .run_end = run_end,
        .guard_fd = guard_fd,
        .guard_deadline_ms = guard_deadline_ms,
        .guard_holds = guard_holds,
        .why_lost = "the connection that held it is closed or silent; behind PgBouncer its "
                    "idle_transaction_timeout does that",
        .history = postgres_history,
        .disconnect = disconnect,
    };
    return (struct coordinator){.operations = &operations, .self = coordinator};
}
