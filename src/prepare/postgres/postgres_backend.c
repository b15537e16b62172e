/*
 * Lock, ledger, fence and preflight in PostgreSQL, put together. What a server says while it
 * restarts must never end a boot.
 */
#include "prepare/postgres/postgres_backend.h"

#include <stdio.h>
#include <string.h>

#include "prepare/postgres/creation.h"
#include "prepare/postgres/failure_policy.h"
#include "prepare/postgres/lock_timeout_proof.h"
#include "prepare/postgres/lock_wait.h"
#include "prepare/postgres/postgres_history.h"
#include "prepare/postgres/remains.h"
#include "prepare/postgres/remedy.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"
#include "signalbox/report/report.h"

enum {
    STATEMENT_TIMEOUT_MS = 30000,
    FAREWELL_TIMEOUT_MS = 2000,
    FAREWELL_ASKING_MS = 4000, /* The same where a program has to say the password first. */
    RECORD_ATTEMPT_MS = 5000,
    RECORD_PAUSE_MS = 250,
    FENCE_PAUSE_MS = 20,
    AFTER_TROUBLE_MS = 250,
    MISSING_PAUSE_MS = 100,
    AFTER_STANDBY_MS = 1000
};

static int64_t statement_deadline_ms(void) {
    return deadline_after_ms(STATEMENT_TIMEOUT_MS);
}

static void disconnect(void *self) {
    struct postgres_backend *backend = self;
    session_close(&backend->link.session);
    session_close(&backend->lock.holder);
    ledger_release(&backend->ledger);
    text_release(&backend->roles);
    text_release(&backend->remains);
}

/* Other servers speak PostgreSQL's protocol without having its locks. */
static enum observation refuse_what_cannot_lock(struct link *link, struct error *error) {
    enum session_result result =
        session_query(&link->session, "SELECT version()", NULL, 0, statement_deadline_ms());
    enum observation seen = link_judge(link, result, &link->session, error);
    if (seen == SEEN_DONE && strstr(session_value(&link->session, 0, 0), "CockroachDB") != NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "CockroachDB gives an advisory lock to every session that asks, so it keeps no "
            "replicas apart: set SIGNALBOX_PREPARE=never and prepare before the deploy");
        return SEEN_REFUSED;
    }
    return seen;
}

static enum observation refuse_standby(const struct link *link, struct error *error) {
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(link->database, &description);
    error_set(error, EXIT_STATUS_UNAVAILABLE,
        "%s (from %s) is read-only (a standby, or default_transaction_read_only) and did not "
        "become writable before --connect-timeout",
        text_string(&description), link->database->source);
    return SEEN_REFUSED;
}

/* The database does not exist: SEEN_DONE to connect again. */
static enum observation deal_with_missing(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) {
    struct link *link = &backend->link;
    enum observation seen = SEEN_DONE;
    switch (backend->target->missing_database) {
    case MISSING_IS_CREATED:
        seen = creation_attempt(link, &backend->preflight.run, deadline_ms, error);
        break;
    case MISSING_IS_AN_ERROR:
        return link_refuse(link, EXIT_STATUS_CONFIGURATION,
            "the database does not exist, and no step would create it", error);
    case MISSING_IS_AWAITED:
        link_note(link, &link->session.failure);
        break;
    }
    return seen == SEEN_DONE ? link_pause(link, MISSING_PAUSE_MS, deadline_ms, error) : seen;
}

static enum observation connect_or_create(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) {
    for (;;) {
        enum observation seen = link_connect(&backend->link, deadline_ms, error);
        if (seen != SEEN_REFUSED || !link_is_missing(&backend->link)) {
            return seen;
        }
        seen = deal_with_missing(backend, deadline_ms, error);
        if (seen != SEEN_DONE) {
            return seen;
        }
    }
}

/* What broke a moment ago is not asked again in the same breath. */
static bool rest_after_trouble(const struct link *link, bool was_standby) {
    int64_t pause_ms =
        was_standby ? random_jittered_ms(AFTER_STANDBY_MS, random_number()) : AFTER_TROUBLE_MS;
    return interrupt_pause(link->interrupt, deadline_after_ms(pause_ms));
}

static enum observation connect_to_database(void *self, struct error *error) {
    struct postgres_backend *backend = self;
    struct link *link = &backend->link;
    int64_t began_ms = clock_now_ms();
    bool was_standby = link->read_only_since_ms != 0;
    int64_t since_ms = was_standby ? link->read_only_since_ms : link->trouble_since_ms;
    int64_t deadline_ms = since_ms == 0 ? deadline_after_ms(link->connect_timeout_ms)
                                        : deadline_later_ms(since_ms, link->connect_timeout_ms);
    disconnect(backend);
    if (was_standby && deadline_passed(deadline_ms)) {
        return refuse_standby(link, error);
    }
    if (since_ms != 0 && rest_after_trouble(link, was_standby)) {
        return SEEN_CANCELLED;
    }
    enum observation seen = connect_or_create(backend, deadline_ms, error);
    if (seen == SEEN_REFUSED && was_standby && link->said[0] == '\0' &&
        error->exit_status == EXIT_STATUS_UNAVAILABLE) {
        return refuse_standby(link, error);
    }
    if (seen != SEEN_DONE || link->was_reached) {
        return seen;
    }
    seen = refuse_what_cannot_lock(link, error);
    if (seen == SEEN_DONE) {
        AUTO_TEXT struct text description = {.data = NULL};
        struct event_fields fields = {.elapsed_ms = clock_now_ms() - began_ms};
        database_describe(link->database, &description);
        report(EVENT_DATABASE_REACHED, &fields, "reached %s (from %s)", text_string(&description),
            link->database->source);
        link->was_reached = true;
    }
    return seen;
}

/* Without a ledger the protocol still holds: every replica runs the steps in its turn. */
static enum observation go_on_without_ledger(
    struct postgres_backend *backend, const struct session *session) {
    AUTO_TEXT struct text remedy = {.data = NULL};
    const struct remedy_circumstances circumstances = {.ledger = &backend->ledger,
        .is_ledger_there = backend->is_ledger_there,
        .user = backend->target->database->user};
    remedy_append(&session->failure, &circumstances, &remedy);
    report(EVENT_LEDGER_UNAVAILABLE, NULL,
        "no ledger (%s): every replica runs the steps, one after the other; to avoid this: %s",
        session->failure.message, text_string(&remedy));
    backend->has_ledger = false;
    return SEEN_DONE;
}

/* The ledger's own refusals cost only the ledger; anything else is judged as usual. */
static enum observation judge_ledger(
    struct postgres_backend *backend, enum session_result result, struct error *error) {
    if (result == SESSION_FAILED && !failure_policy_is_gone(&backend->link.session.failure)) {
        return go_on_without_ledger(backend, &backend->link.session);
    }
    return link_judge(&backend->link, result, &backend->link.session, error);
}

static enum observation look(void *self, struct look *seen, struct error *error) {
    struct postgres_backend *backend = self;
    *seen = (struct look){.newest = {.state = RUN_NONE}};
    headroom_begin_look(&backend->headroom, &backend->link);
    enum session_result result = link_learn(&backend->link, statement_deadline_ms());
    seen->is_read_only = backend->link.is_read_only;
    if (headroom_is_in_the_way(&backend->link, result)) {
        return headroom_give_way(&backend->link, result, error);
    }
    if (result != SESSION_DONE || !backend->has_ledger) {
        return link_judge(&backend->link, result, &backend->link.session, error);
    }
    if (backend->ledger.table == NULL || !backend->is_ledger_there) {
        result = ledger_find(&backend->ledger, &backend->link.session, statement_deadline_ms());
    }
    if (result == SESSION_DONE) {
        result = ledger_read(&backend->ledger, &backend->link.session, seen,
            &backend->is_ledger_there, statement_deadline_ms());
    }
    enum observation came_to = judge_ledger(backend, result, error);
    seen->has_ledger = backend->has_ledger;
    headroom_note_run(&backend->headroom, &seen->holder);
    backend->preflight.latest = seen->latest;
    return came_to == SEEN_DONE ? postgres_preflight_look(&backend->preflight, seen, error)
                                : came_to;
}

static enum observation lock_try(void *self, struct error *error) {
    struct postgres_backend *backend = self;
    return lock_acquire(&backend->acquire, &backend->link, &backend->lock, error);
}

static int64_t rest(void *self, int64_t pause_ms) {
    struct postgres_backend *backend = self;
    return headroom_rest(&backend->headroom, &backend->link, &backend->ledger, pause_ms);
}

static void let_go(void *self) {
    struct postgres_backend *backend = self;
    lock_release(&backend->lock);
}

static enum session_result find_begun(struct postgres_backend *backend, char **begun) {
    return backend->has_ledger
        ? ledger_begun(&backend->ledger, &backend->link.session, begun, statement_deadline_ms())
        : SESSION_DONE;
}

static enum observation preflight(void *self, struct preflight *found, struct error *error) {
    struct postgres_backend *backend = self;
    AUTO_FREE char *begun = NULL;
    enum observation seen = judge_ledger(backend, find_begun(backend, &begun), error);
    if (seen == SEEN_DONE) {
        seen =
            postgres_preflight_judge(&backend->preflight, begun == NULL ? "" : begun, found, error);
    }
    return seen == SEEN_DONE
        ? lock_timeout_proof_find(backend->target, &backend->link, &backend->lock, error)
        : seen;
}

/* Under the lock, with a table that is there: buries the dead and enters the new run. */
static enum session_result enter(
    struct postgres_backend *backend, int64_t *id, struct run *dead, int64_t deadline_ms) {
    const struct ledger *ledger = &backend->ledger;
    struct session *reader = &backend->link.session;
    struct ledger_entry entry = {.run = backend->fence.run,
        .host = report_host(),
        .release = backend->release,
        .initialises = backend->initialises,
        .databases = backend->preflight.initialised};
    bool was_there = backend->is_ledger_there;
    enum session_result result =
        ledger_make(ledger, reader, &backend->is_ledger_there, deadline_ms);
    if (result == SESSION_DONE && !was_there) {
        report(EVENT_LEDGER_MADE, NULL, "the ledger of runs is the table %s", ledger->table);
    }
    if (result == SESSION_DONE) {
        result = ledger_mark_interrupted(ledger, reader, dead, deadline_ms);
    }
    return result == SESSION_DONE ? ledger_begin(ledger, reader, &entry, id, deadline_ms) : result;
}

/* A schema file that names the ledger's table makes the table itself, and could not over one that
 * is there already. */
static enum session_result decide_when_to_enter(
    struct postgres_backend *backend, int64_t deadline_ms) {
    bool exists = false;
    enum session_result result =
        ledger_exists(&backend->ledger, &backend->link.session, &exists, deadline_ms);
    backend->is_ledger_late = result == SESSION_DONE && !exists;
    if (backend->is_ledger_late) {
        report(EVENT_LEDGER_LATE, NULL,
            "%s names signalbox_runs, so the ledger is made after the steps, and a killed run is "
            "not recorded; remove the table from it, and set "
            "ActiveRecord::SchemaDumper.ignore_tables = [\"signalbox_runs\"]",
            backend->target->ledger_named_in);
    }
    return result;
}

static enum observation run_begin(void *self, const struct run_beginning *beginning, int64_t *id,
    struct run *dead, struct error *error) {
    struct postgres_backend *backend = self;
    struct session *reader = &backend->link.session;
    *id = 0;
    *dead = (struct run){.state = RUN_NONE};
    backend->initialises = beginning->initialises;
    backend->servers.given_up = 0;
    servers_warn_of_names(backend->servers.databases);
    text_release(&backend->roles);
    servers_append_roles(backend->servers.databases, &backend->roles);
    backend->fence.roles = text_string(&backend->roles);
    backend->is_ledger_late = false;
    backend->preflight.were_steps_seen = false;
    enum observation seen = link_judge(&backend->link,
        fence_make(&backend->fence, reader, backend->target->database->schema_search_path,
            backend->target->lock_key, statement_deadline_ms()),
        reader, error);
    if (seen != SEEN_DONE || !backend->has_ledger || !beginning->is_recorded) {
        return seen;
    }
    enum session_result result = SESSION_DONE;
    if (backend->target->ledger_named_in[0] != '\0') {
        result = decide_when_to_enter(backend, statement_deadline_ms());
    }
    if (result == SESSION_DONE && !backend->is_ledger_late) {
        result = enter(backend, id, dead, statement_deadline_ms());
    }
    return judge_ledger(backend, result, error);
}

static enum session_result fence_once(struct postgres_backend *backend, bool is_before_steps,
    struct fence_sweep *sweep, struct lock_wait *lock_wait, int64_t deadline_ms) {
    enum session_result result = link_insist(&backend->link, deadline_ms);
    if (result == SESSION_DONE) {
        result = fence_sweep_others(&backend->fence, &backend->link.session, sweep, deadline_ms);
    }
    if (result == SESSION_DONE && !is_before_steps && !backend->preflight.were_steps_seen) {
        result = fence_see_own(&backend->fence, &backend->link.session,
            &backend->preflight.were_steps_seen, deadline_ms);
    }
    if (result == SESSION_DONE && !is_before_steps) {
        result = lock_wait_find(&backend->fence, &backend->link.session, lock_wait, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result =
            fence_look_at_rails_lock(&backend->fence, &backend->link.session, sweep, deadline_ms);
    }
    if (result == SESSION_DONE && is_before_steps && sweep->remaining == 0) {
        result = servers_look_at_first(
            &backend->servers, &backend->fence, &backend->link.session, sweep, deadline_ms);
    }
    return result == SESSION_DONE
        ? servers_sweep_others(&backend->servers, &backend->fence, is_before_steps,
              backend->link.interrupt, sweep, lock_wait, deadline_ms)
        : result;
}

/* While the steps run the lock has to be looked after too, twenty seconds later at the latest. */
static int64_t late_fence_deadline_ms(const struct postgres_backend *backend) {
    return login_deadline_ms(backend->link.database, FAREWELL_TIMEOUT_MS);
}

static enum observation fence(
    void *self, bool is_before_steps, struct fence_report *found, struct error *error) {
    struct postgres_backend *backend = self;
    struct fence_sweep sweep = {.ended = 0};
    int64_t deadline_ms =
        is_before_steps ? statement_deadline_ms() : late_fence_deadline_ms(backend);
    *found = (struct fence_report){.ended = 0};
    enum session_result result =
        fence_once(backend, is_before_steps, &sweep, &found->lock_wait, deadline_ms);
    found->ended = sweep.ended;
    found->remaining = sweep.remaining;
    (void)snprintf(found->holder, sizeof found->holder, "%s", sweep.holder);
    if (result == SESSION_DONE && is_before_steps && sweep.remaining == 0) {
        result = headroom_wait_for_calm(&backend->headroom, &backend->link, found, deadline_ms);
    }
    enum observation seen = link_judge(&backend->link, result, &backend->link.session, error);
    if (found->remaining == 0) {
        /* The steps may take an hour, and a connection that idles through it only takes a slot. */
        session_close(&backend->link.session);
    }
    return seen;
}

static void fence_own(void *self) {
    struct postgres_backend *backend = self;
    const struct interrupt *interrupt = backend->link.interrupt;
    static const struct interrupt nobody = {.fd = -1};
    struct fence_sweep sweep = {.remaining = 1};
    /* The session stays open for the record, so only this one has to wait for a password. */
    int64_t deadline_ms = deadline_after_ms(
        backend->target->password_command == NULL ? FAREWELL_TIMEOUT_MS : FAREWELL_ASKING_MS);
    backend->link.interrupt = NULL;
    /* Ending a backend is asynchronous, so it is asked until it is gone. */
    while (link_insist(&backend->link, deadline_ms) == SESSION_DONE &&
        fence_sweep_own(&backend->fence, &backend->link.session, &sweep, deadline_ms) ==
            SESSION_DONE &&
        servers_sweep_own(&backend->servers, &backend->fence, NULL, &sweep, deadline_ms) ==
            SESSION_DONE &&
        sweep.remaining > 0 && !deadline_passed(deadline_ms)) {
        (void)interrupt_pause(&nobody, deadline_after_ms(FENCE_PAUSE_MS));
    }
    backend->link.interrupt = interrupt;
}

static void name_remains(void *self) {
    struct postgres_backend *backend = self;
    remains_name(&backend->target->databases, backend->link.interrupt, &backend->remains,
        login_deadline_ms(backend->link.database, FAREWELL_TIMEOUT_MS));
}

static const char *step_assignment(void *self) {
    struct postgres_backend *backend = self;
    fence_assignment(&backend->fence, backend->step_assignment);
    return backend->step_assignment;
}

/* The lock is a connection's; what a step leaves in the server, the fence ends. */
static int step_fd(void *self) {
    (void)self;
    return -1;
}

/* A run that is entered only now keeps its row when this has to be tried again. */
static enum session_result write_outcome(
    struct postgres_backend *backend, struct run *outcome, bool *changed, int64_t deadline_ms) {
    struct run dead;
    enum session_result result = link_insist(&backend->link, deadline_ms);
    if (result == SESSION_DONE && outcome->id == 0) {
        result = enter(backend, &outcome->id, &dead, deadline_ms);
    }
    return result == SESSION_DONE
        ? ledger_end(&backend->ledger, &backend->link.session, outcome, changed, deadline_ms)
        : result;
}

static bool is_refused(const struct session_failure *failure) {
    return !failure_policy_is_gone(failure) && !failure_policy_is_conflict(failure);
}

/* Tries again while nobody else can run: the lock is tended meanwhile. */
static enum session_result write_patiently(
    struct postgres_backend *backend, struct run *outcome, bool *changed) {
    static const struct interrupt nobody = {.fd = -1};
    bool is_stopped = outcome->state == RUN_INTERRUPTED;
    int64_t deadline_ms =
        deadline_after_ms(is_stopped ? FAREWELL_TIMEOUT_MS : STATEMENT_TIMEOUT_MS);
    for (;;) {
        enum session_result result = write_outcome(backend, outcome, changed,
            deadline_earlier(deadline_ms, deadline_after_ms(RECORD_ATTEMPT_MS)));
        if (result == SESSION_DONE ||
            (result == SESSION_FAILED && is_refused(&backend->link.session.failure)) ||
            deadline_passed(deadline_ms) || !(is_stopped || lock_holds(&backend->lock))) {
            return result;
        }
        session_close(&backend->link.session);
        (void)interrupt_pause(&nobody, deadline_after_ms(RECORD_PAUSE_MS));
    }
}

static void warn_of_elsewhere(const struct postgres_backend *backend, const struct run *success) {
    AUTO_TEXT struct text description = {.data = NULL};
    struct event_fields fields = {.run = success->id};
    if (success->elsewhere[0] == '\0') {
        return;
    }
    database_describe(backend->target->database, &description);
    report(EVENT_STEPS_ELSEWHERE, &fields,
        "the run does not count as prepared, because %s; the lock was held at %s (from %s), so "
        "other replicas could run the steps there at the same time: set SIGNALBOX_DATABASE_URL to "
        "the address that the steps use",
        success->elsewhere, text_string(&description), backend->target->database->source);
}

/* A signal that has already ended the steps must not end their record too, so nothing is heeded
 * here but the clock. */
static enum observation run_end(void *self, struct run *outcome, struct error *error) {
    struct postgres_backend *backend = self;
    bool changed = true;
    bool is_recorded = backend->has_ledger && (outcome->id != 0 || backend->is_ledger_late);
    const struct interrupt *interrupt = backend->link.interrupt;
    backend->link.interrupt = NULL;
    if (outcome->state == RUN_SUCCEEDED) {
        postgres_preflight_note(&backend->preflight, outcome, deadline_after_ms(RECORD_ATTEMPT_MS));
        /* Among many replicas that may take all its time, and the lock must be looked after. */
        (void)!lock_holds(&backend->lock);
    }
    enum session_result result =
        is_recorded ? write_patiently(backend, outcome, &changed) : SESSION_DONE;
    enum observation seen = link_judge(&backend->link, result, &backend->link.session, error);
    warn_of_elsewhere(backend, outcome);
    if (is_recorded && seen == SEEN_DONE && changed && outcome->state == RUN_SUCCEEDED) {
        /* Rows too many harm nobody today. */
        (void)!ledger_prune(
            &backend->ledger, &backend->link.session, deadline_after_ms(FAREWELL_TIMEOUT_MS));
    }
    backend->link.interrupt = interrupt;
    return seen == SEEN_DONE && !changed ? SEEN_ELSEWHERE : seen;
}

static int guard_fd(void *self) {
    const struct postgres_backend *backend = self;
    return lock_fd(&backend->lock);
}

static int64_t guard_deadline_ms(void *self) {
    const struct postgres_backend *backend = self;
    return lock_deadline_ms(&backend->lock);
}

static bool guard_holds(void *self) {
    struct postgres_backend *backend = self;
    return lock_holds(&backend->lock);
}

void postgres_backend_initialise(struct postgres_backend *backend, const struct target *target,
    const struct interrupt *interrupt, int64_t connect_timeout_ms, const char *release) {
    *backend = (struct postgres_backend){
        .target = target,
        .release = release,
        .link = {.database = target->database,
            .interrupt = interrupt,
            .connect_timeout_ms = connect_timeout_ms},
        .acquire = {.lock_key = target->lock_key},
        .servers = {.databases = &target->databases},
        .preflight = {.target = target, .link = &backend->link, .lock = &backend->lock},
        .has_ledger = target->has_fingerprint,
        .ledger = {.fingerprint = target->fingerprint,
            .search_path = target->database->schema_search_path},
    };
    preflight_run_initialise(&backend->preflight.run, target, connect_timeout_ms);
    (void)snprintf(backend->ledger.lock_key, sizeof backend->ledger.lock_key, "%lld",
        (long long)target->lock_key);
}

static enum observation history(void *self, struct history *found, struct error *error) {
    struct postgres_backend *backend = self;
    return postgres_history(&backend->link, &backend->ledger, found, error);
}

struct backend postgres_backend_interface(struct postgres_backend *backend) {
    static const struct backend_operations operations = {
        .connect = connect_to_database,
        .look = look,
        .lock_try = lock_try,
        .lock_release = let_go,
        .rest = rest,
        .preflight = preflight,
        .run_begin = run_begin,
        .fence = fence,
        .fence_own = fence_own,
        .name_remains = name_remains,
        .step_assignment = step_assignment,
        .step_fd = step_fd,
        .run_end = run_end,
        .guard_fd = guard_fd,
        .guard_deadline_ms = guard_deadline_ms,
        .guard_holds = guard_holds,
        .why_lost = "the connection that held it is closed or silent; behind PgBouncer its "
                    "idle_transaction_timeout does that",
        .history = history,
        .disconnect = disconnect,
    };
    return (struct backend){.operations = &operations, .self = backend};
}
