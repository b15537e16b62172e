/*
 * Lock, ledger, fence and inspection in PostgreSQL, put together. The trap is a refusal that is
 * only passing: what a server says while it restarts must never end a boot.
 */
#include "prepare/postgres/postgres_backend.h"

#include <stdio.h>
#include <string.h>

#include "prepare/postgres/connect.h"
#include "prepare/postgres/crowd.h"
#include "prepare/postgres/failure_policy.h"
#include "prepare/postgres/lock_acquire.h"
#include "prepare/postgres/postgres_history.h"
#include "prepare/postgres/postgres_preflight.h"
#include "prepare/postgres/remedy.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/report/report.h"

enum {
    STATEMENT_TIMEOUT_MS = 30000,
    FAREWELL_TIMEOUT_MS = 2000,
    RECORD_ATTEMPT_MS = 5000,
    RECORD_PAUSE_MS = 250,
    FENCE_PAUSE_MS = 20,
    AFTER_TROUBLE_MS = 250,
    AFTER_STANDBY_MS = 1000
};

static int64_t statement_deadline_ms(void) {
    return deadline_after_ms(STATEMENT_TIMEOUT_MS);
}

static void disconnect(void *self) {
    struct postgres_coordinator *coordinator = self;
    session_close(&coordinator->reader);
    session_close(&coordinator->lock.holder);
    ledger_release(&coordinator->ledger);
    text_release(&coordinator->roles);
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
    int64_t since_ms =
        was_standby ? coordinator->read_only_since_ms : coordinator->trouble_since_ms;
    int64_t deadline_ms = since_ms == 0
        ? deadline_after_ms(coordinator->connect_timeout_ms)
        : deadline_later_ms(since_ms, coordinator->connect_timeout_ms);
    disconnect(coordinator);
    if (was_standby && deadline_passed(deadline_ms)) {
        return refuse_standby(coordinator, error);
    }
    if (since_ms != 0) {
        /* What broke a moment ago is not asked again in the same breath. */
        int64_t pause_ms =
            was_standby ? jittered_ms(AFTER_STANDBY_MS, random_number()) : AFTER_TROUBLE_MS;
        if (attention_pause(coordinator->attention, deadline_after_ms(pause_ms))) {
            return COORDINATION_CANCELLED;
        }
    }
    enum coordination result = connect_patiently(coordinator, deadline_ms, error);
    if (result == COORDINATION_REFUSED && was_standby && coordinator->said[0] == '\0' &&
        error->exit_status == EXIT_STATUS_UNAVAILABLE) {
        return refuse_standby(coordinator, error);
    }
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
    AUTO_TEXT struct text remedy = {.data = NULL};
    const struct remedy_circumstances circumstances = {.ledger = &coordinator->ledger,
        .is_ledger_there = coordinator->is_ledger_there,
        .user = coordinator->target->database->user};
    remedy_append(&session->failure, &circumstances, &remedy);
    report(EVENT_LEDGER_UNAVAILABLE, NULL,
        "no ledger (%s): every replica runs the steps in its turn; what would spare that: %s",
        session->failure.message, text_string(&remedy));
    coordinator->has_ledger = false;
    return COORDINATION_DONE;
}

/* The ledger's own refusals cost only the ledger; anything else is concluded as usual. */
static enum coordination conclude_ledger(
    struct postgres_coordinator *coordinator, enum session_result result, struct error *error) {
    if (result == SESSION_FAILED && !outcome_is_gone(&coordinator->reader.failure)) {
        return go_on_without_ledger(coordinator, &coordinator->reader);
    }
    return conclude(coordinator, result, &coordinator->reader, error);
}

static enum coordination look(void *self, struct look *seen, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    *seen = (struct look){.newest = {.state = RUN_NONE}};
    coordinator->look_began_ms = clock_now_ms();
    enum session_result result = connect_and_learn(coordinator, statement_deadline_ms());
    seen->is_read_only = coordinator->is_read_only;
    if (crowd_is_in_the_way(coordinator, result, &coordinator->reader.failure)) {
        return crowd_give_way(coordinator, result, error);
    }
    if (result != SESSION_DONE || !coordinator->has_ledger) {
        return conclude(coordinator, result, &coordinator->reader, error);
    }
    if (coordinator->ledger.table == NULL || !coordinator->is_ledger_there) {
        result = ledger_find(&coordinator->ledger, &coordinator->reader, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result = ledger_read(&coordinator->ledger, &coordinator->reader, seen,
            &coordinator->is_ledger_there, statement_deadline_ms());
    }
    enum coordination concluded = conclude_ledger(coordinator, result, error);
    seen->has_ledger = coordinator->has_ledger;
    coordinator->latest = seen->latest;
    return concluded == COORDINATION_DONE ? inspecting_look(coordinator, seen, error) : concluded;
}

static enum coordination lock_try(void *self, struct error *error) {
    return taking_try(self, error);
}

static int64_t rest(void *self, int64_t pause_ms) {
    return crowd_rest(self, pause_ms);
}

static void let_go(void *self) {
    struct postgres_coordinator *coordinator = self;
    lock_release(&coordinator->lock);
}

static enum coordination inspect(void *self, struct inspection *found, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    AUTO_FREE char *begun = NULL;
    enum coordination concluded =
        conclude_ledger(coordinator, inspecting_find_begun(coordinator, &begun), error);
    return concluded == COORDINATION_DONE
        ? inspecting_judge(coordinator, begun == NULL ? "" : begun, found, error)
        : concluded;
}

/* Under the lock, with a table that is there: buries the dead and enters the new run. */
static enum session_result enter(
    struct postgres_coordinator *coordinator, int64_t *id, struct run *dead, int64_t deadline_ms) {
    const struct ledger *ledger = &coordinator->ledger;
    struct session *reader = &coordinator->reader;
    struct ledger_entry entry = {.run = coordinator->fence.run,
        .host = report_host(),
        .release = coordinator->release,
        .initialises = coordinator->initialises,
        .databases = coordinator->initialised};
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
    coordinator->servers.given_up = 0;
    servers_warn_of_names(coordinator->servers.databases);
    text_release(&coordinator->roles);
    servers_append_roles(coordinator->servers.databases, &coordinator->roles);
    coordinator->fence.roles = text_string(&coordinator->roles);
    coordinator->is_ledger_late = false;
    coordinator->were_steps_seen = false;
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
    if (result == SESSION_DONE && !is_before_steps && !coordinator->were_steps_seen) {
        result = fence_see_own(
            &coordinator->fence, &coordinator->reader, &coordinator->were_steps_seen, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result =
            fence_look_at_rails_lock(&coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result = servers_look_at_first(
            &coordinator->servers, &coordinator->fence, &coordinator->reader, sweep, deadline_ms);
    }
    return result == SESSION_DONE ? servers_sweep_others(&coordinator->servers, &coordinator->fence,
                                        is_before_steps, coordinator->attention, sweep, deadline_ms)
                                  : result;
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
        result = crowd_wait_for_calm(coordinator, found, deadline_ms);
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
        servers_sweep_own(&coordinator->servers, &coordinator->fence, NULL, &sweep, deadline_ms) ==
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
            (result == SESSION_FAILED && !outcome_is_gone(&coordinator->reader.failure)) ||
            deadline_passed(deadline_ms) || !(is_stopped || lock_holds(&coordinator->lock))) {
            return result;
        }
        session_close(&coordinator->reader);
        (void)attention_pause(&nobody, deadline_after_ms(RECORD_PAUSE_MS));
    }
}

static void warn_of_elsewhere(
    const struct postgres_coordinator *coordinator, const struct run *success) {
    AUTO_TEXT struct text description = {.data = NULL};
    struct event_fields fields = {.run = success->id};
    if (success->elsewhere[0] == '\0') {
        return;
    }
    database_describe(coordinator->target->database, &description);
    report(EVENT_STEPS_ELSEWHERE, &fields,
        "the run does not count as prepared, for %s; the lock was held at %s (from %s), so nothing "
        "kept other replicas away from where the steps were: give SIGNALBOX_DATABASE_URL the "
        "address that they use",
        success->elsewhere, text_string(&description), coordinator->target->database->source);
}

/* A signal that has already ended the steps must not end their record too, so nothing is heeded
 * here but the clock. */
static enum coordination run_end(void *self, const struct run *outcome, struct error *error) {
    struct postgres_coordinator *coordinator = self;
    bool changed = true;
    bool is_recorded = coordinator->has_ledger && (outcome->id != 0 || coordinator->is_ledger_late);
    const struct attention *attention = coordinator->attention;
    coordinator->attention = NULL;
    struct run noted = *outcome;
    if (outcome->state == RUN_SUCCEEDED) {
        inspecting_note(coordinator, &noted, deadline_after_ms(RECORD_ATTEMPT_MS));
    }
    enum session_result result =
        is_recorded ? write_patiently(coordinator, &noted, &changed) : SESSION_DONE;
    enum coordination concluded = conclude(coordinator, result, &coordinator->reader, error);
    warn_of_elsewhere(coordinator, &noted);
    if (is_recorded && concluded == COORDINATION_DONE && changed &&
        outcome->state == RUN_SUCCEEDED) {
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
    coordinator->servers = (struct servers){.databases = &target->databases};
    inspector_initialise(&coordinator->inspector, target, connect_timeout_ms);
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
