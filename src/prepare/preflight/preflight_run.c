/*
 * The looks. Under the lock no wait may be longer than the lock's dead man's switch allows, so each
 * attempt is short, and the lock is refreshed between two of them.
 */
#include "prepare/preflight/preflight_run.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/random.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"
#include "signalbox/report/report.h"

enum {
    ATTEMPT_MS = 8000,
    SHORTEST_BACKOFF_MS = 100,
    LONGEST_BACKOFF_MS = 2000,
    SAY_EVERY_MS = 5000,  /* A server without slots says so in two ways by turns. */
    DOUBT_LASTS_MS = 5000 /* Who only waits looks at the ledger far more often than at all. */
};

void preflight_run_initialise(
    struct preflight_run *preflight_run, const struct target *target, int64_t patience_ms) {
    *preflight_run = (struct preflight_run){.target = target, .patience_ms = patience_ms};
}

/* Those that Rails' tasks touch and that are PostgreSQL's; of a list of names, those on it. */
static void add_databases(const struct preflight_run *preflight_run,
    const struct probe_context *context, const char *names, struct probe *probe) {
    const struct databases *databases = &preflight_run->target->databases;
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        bool is_first = database == preflight_run->target->database;
        if (database->is_for_lock_only || !database_is_postgres(database) ||
            (is_first && context->reader == NULL) ||
            (names != NULL && !preflight_names(names, database->role))) {
            continue;
        }
        probe_add(
            probe, database, preflight_run->target->directory, is_first ? context->reader : NULL);
    }
}

/* The reader's own trouble is not a finding: the backend connects again. */
static enum session_result result_of_reader(
    const struct probe *probe, const struct probe_context *context) {
    for (size_t i = 0; context->reader != NULL && i < probe->count; i++) {
        if (probe->items[i].lent == context->reader) {
            return probe->items[i].result;
        }
    }
    return SESSION_DONE;
}

static void note_trouble(struct preflight_run *preflight_run, const struct probe *probe) {
    for (size_t i = 0; i < probe->count; i++) {
        const struct probed *item = &probe->items[i];
        if (!probe_database_may_pass(item)) {
            continue;
        }
        if (strcmp(preflight_run->last_reason, item->reason) != 0 &&
            (preflight_run->said_ms == 0 ||
                deadline_passed(deadline_later_ms(preflight_run->said_ms, SAY_EVERY_MS)))) {
            AUTO_TEXT struct text description = {.data = NULL};
            database_describe(item->database, &description);
            memcpy(preflight_run->last_reason, item->reason, sizeof preflight_run->last_reason);
            preflight_run->said_ms = clock_now_ms();
            report(EVENT_DATABASE_UNREACHABLE, NULL, "%s (%s) %s yet: %s",
                text_string(&description), item->database->role,
                item->trouble == TROUBLE_NO_SLOT ? "has no free connection" : "is not reachable",
                item->reason);
        }
        return;
    }
}

static bool is_patience_over(struct preflight_run *preflight_run) {
    if (preflight_run->trouble_since_ms == 0) {
        preflight_run->trouble_since_ms = clock_now_ms();
    }
    return deadline_passed(
        deadline_later_ms(preflight_run->trouble_since_ms, preflight_run->patience_ms));
}

static int64_t attempt_deadline_ms(const struct probe *probe) {
    return probe->count == 0 ? deadline_after_ms(ATTEMPT_MS)
                             : login_deadline_ms(probe->items[0].database, ATTEMPT_MS);
}

static enum session_result ask_patiently(
    struct preflight_run *preflight_run, const struct probe_context *context, struct probe *probe) {
    static const struct interrupt nobody = {.fd = -1};
    int64_t backoff_ms = SHORTEST_BACKOFF_MS;
    for (;;) {
        enum session_result result =
            probe_try(probe, context->interrupt, attempt_deadline_ms(probe));
        if (result == SESSION_DONE) {
            result = result_of_reader(probe, context);
        }
        if (result != SESSION_DONE) {
            return result;
        }
        if (!probe_may_pass(probe)) {
            preflight_run->trouble_since_ms = 0;
            return SESSION_DONE;
        }
        note_trouble(preflight_run, probe);
        if (is_patience_over(preflight_run)) {
            return SESSION_DONE;
        }
        if (context->tend == NULL && context->reader != NULL) {
            /* Who waits for a slot must hold none that another one waits for. */
            session_close(context->reader);
        }
        if (interrupt_pause(context->interrupt == NULL ? &nobody : context->interrupt,
                deadline_after_ms(random_jittered_ms(backoff_ms, random_number())))) {
            return SESSION_CANCELLED;
        }
        if (context->tend != NULL && !context->tend(context->lock)) {
            return SESSION_TIMED_OUT;
        }
        backoff_ms = backoff_ms * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : backoff_ms * 2;
    }
}

enum session_result preflight_run_look(struct preflight_run *preflight_run,
    const struct probe_context *context, const struct run *success,
    char stale_reason[RUN_REASON_LENGTH]) {
    AUTO_PROBE struct probe probe;
    bool is_fresh = context->tend == NULL && preflight_run->doubted_run == success->id &&
        !deadline_passed(deadline_later_ms(preflight_run->doubted_ms, DOUBT_LASTS_MS));
    probe_begin(&probe, preflight_run->target->migrations_table, PROBE_ANY_TIME);
    if (is_fresh) {
        memcpy(stale_reason, preflight_run->stale_reason, RUN_REASON_LENGTH);
        return SESSION_DONE;
    }
    add_databases(preflight_run, context, success->databases, &probe);
    enum session_result result = ask_patiently(preflight_run, context, &probe);
    if (result != SESSION_DONE) {
        return result;
    }
    preflight_stale_reason(&probe, stale_reason);
    preflight_run->doubted_run = stale_reason[0] == '\0' ? 0 : success->id;
    preflight_run->doubted_ms = clock_now_ms();
    memcpy(preflight_run->stale_reason, stale_reason, RUN_REASON_LENGTH);
    return SESSION_DONE;
}

/* A line for each, and the refusal over all of them. */
static void judge_all(const struct probe *probe, const struct preflight_rules *rules,
    struct preflight_run_findings *findings) {
    size_t not_to_be_had = 0;
    size_t with_tables = 0;
    for (size_t i = 0; i < probe->count; i++) {
        AUTO_TEXT struct text line = {.data = NULL};
        switch (preflight_judge(probe, i, rules, &line)) {
        case PREFLIGHT_PASSED:
            continue;
        case PREFLIGHT_NOT_ALL:
            not_to_be_had++;
            break;
        case PREFLIGHT_TABLES:
            with_tables++;
            break;
        }
        string_list_append(&findings->obstacles, text_string(&line));
    }
    findings->is_refused = not_to_be_had + with_tables > 0;
    if (with_tables > 0) {
        error_set(&findings->error, EXIT_STATUS_CONFIGURATION,
            "%zu database%s with tables of unknown origin, so nothing has been touched",
            with_tables, with_tables == 1 ? "" : "s");
    } else if (not_to_be_had > 0) {
        error_set(&findings->error, EXIT_STATUS_UNAVAILABLE,
            "%zu of the application's databases %s not available, so nothing has been touched: "
            "Rails "
            "seeds only in the run that initialises the first of them, and that run must not stop "
            "half way",
            not_to_be_had, not_to_be_had == 1 ? "is" : "are");
    }
}

enum session_result preflight_run_judge(struct preflight_run *preflight_run,
    const struct probe_context *context, struct preflight_run_findings *findings) {
    AUTO_PROBE struct probe probe;
    const struct target *target = preflight_run->target;
    struct preflight_rules rules = {
        .tasks = target->tasks,
        .allow_schema_load = target->allow_schema_load,
        .is_first_missing = context->reader == NULL && !target->database->is_for_lock_only,
        .begun = findings->begun,
        .since = findings->since,
    };
    probe_begin(&probe, target->migrations_table, PROBE_BEFORE_STEPS);
    add_databases(preflight_run, context, NULL, &probe);
    enum session_result result = rules.tasks.concern_all
        ? ask_patiently(preflight_run, context, &probe)
        : probe_try(&probe, context->interrupt, deadline_after_ms(ATTEMPT_MS));
    if (result == SESSION_DONE) {
        result = result_of_reader(&probe, context);
    }
    if (result != SESSION_DONE) {
        return result;
    }
    preflight_explain(&probe, &rules, &findings->preflight);
    preflight_list_new(&probe, findings->initialised);
    findings->first = preflight_first(&probe, target->database);
    judge_all(&probe, &rules, findings);
    return SESSION_DONE;
}

void preflight_run_say_obstacles(const struct preflight_run_findings *findings) {
    for (size_t i = 0; i < findings->obstacles.count; i++) {
        report(EVENT_DATABASE_REFUSED, NULL, "%s", findings->obstacles.items[i]);
    }
}

void preflight_run_release_findings(struct preflight_run_findings *findings) {
    string_list_release(&findings->obstacles);
}

enum session_result preflight_run_look_afterwards(const struct preflight_run *preflight_run,
    const struct probe_context *context, const struct steps_trace *trace, struct run *success,
    int64_t deadline_ms) {
    AUTO_PROBE struct probe probe;
    probe_begin(&probe, preflight_run->target->migrations_table, PROBE_AFTER_STEPS);
    add_databases(preflight_run, context, NULL, &probe);
    enum session_result result = probe_try(&probe, context->interrupt, deadline_ms);
    if (result == SESSION_DONE) {
        result = result_of_reader(&probe, context);
    }
    if (result == SESSION_DONE) {
        preflight_list_in_order(&probe, success->databases);
        preflight_find_elsewhere(
            &probe, preflight_run->target->database, trace, success->elsewhere);
    }
    return result;
}
