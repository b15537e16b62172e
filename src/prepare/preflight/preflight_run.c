/*
 * The looks. The trap is time: under the lock nobody may stand still for longer than its dead man's
 * switch allows, so each attempt is short, and the lock is tended between two of them.
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
#include "signalbox/report/report.h"

enum {
    ATTEMPT_MS = 8000,
    SHORTEST_BACKOFF_MS = 100,
    LONGEST_BACKOFF_MS = 2000,
    SAY_EVERY_MS = 5000,  /* A server without slots says so in two ways by turns. */
    DOUBT_LASTS_MS = 5000 /* Who only waits looks at the ledger far more often than at all. */
};

void inspector_initialise(
    struct inspector *inspector, const struct target *target, int64_t patience_ms) {
    *inspector = (struct inspector){.target = target, .patience_ms = patience_ms};
}

/* Those that Rails' tasks touch and that are PostgreSQL's; of a list of names, those on it. */
static void add_databases(const struct inspector *inspector, const struct inspector_means *means,
    const char *names, struct survey *survey) {
    const struct databases *databases = &inspector->target->databases;
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        bool is_first = database == inspector->target->database;
        if (database->is_for_lock_only || !database_is_postgres(database) ||
            (is_first && means->reader == NULL) ||
            (names != NULL && !inspection_names(names, database->role))) {
            continue;
        }
        survey_add(survey, database, inspector->target->directory, is_first ? means->reader : NULL);
    }
}

/* The reader's own trouble is not a finding: the coordinator connects again. */
static enum session_result result_of_reader(
    const struct survey *survey, const struct inspector_means *means) {
    for (size_t i = 0; means->reader != NULL && i < survey->count; i++) {
        if (survey->items[i].lent == means->reader) {
            return survey->items[i].result;
        }
    }
    return SESSION_DONE;
}

static void note_trouble(struct inspector *inspector, const struct survey *survey) {
    for (size_t i = 0; i < survey->count; i++) {
        const struct surveyed *item = &survey->items[i];
        if (!surveyed_may_pass(item)) {
            continue;
        }
        if (strcmp(inspector->last_reason, item->reason) != 0 &&
            (inspector->said_ms == 0 ||
                deadline_passed(deadline_later_ms(inspector->said_ms, SAY_EVERY_MS)))) {
            AUTO_TEXT struct text description = {.data = NULL};
            database_describe(item->database, &description);
            memcpy(inspector->last_reason, item->reason, sizeof inspector->last_reason);
            inspector->said_ms = clock_now_ms();
            report(EVENT_DATABASE_UNREACHABLE, NULL, "%s (%s) %s yet: %s",
                text_string(&description), item->database->role,
                item->trouble == TROUBLE_NO_SLOT ? "has no connection to spare"
                                                 : "is not reachable",
                item->reason);
        }
        return;
    }
}

static bool is_patience_over(struct inspector *inspector) {
    if (inspector->trouble_since_ms == 0) {
        inspector->trouble_since_ms = clock_now_ms();
    }
    return deadline_passed(deadline_later_ms(inspector->trouble_since_ms, inspector->patience_ms));
}

static enum session_result ask_patiently(
    struct inspector *inspector, const struct inspector_means *means, struct survey *survey) {
    static const struct attention nobody = {.fd = -1};
    int64_t backoff_ms = SHORTEST_BACKOFF_MS;
    for (;;) {
        enum session_result result =
            survey_try(survey, means->attention, deadline_after_ms(ATTEMPT_MS));
        if (result == SESSION_DONE) {
            result = result_of_reader(survey, means);
        }
        if (result != SESSION_DONE) {
            return result;
        }
        if (!survey_may_pass(survey)) {
            inspector->trouble_since_ms = 0;
            return SESSION_DONE;
        }
        note_trouble(inspector, survey);
        if (is_patience_over(inspector)) {
            return SESSION_DONE;
        }
        if (means->tend == NULL && means->reader != NULL) {
            /* Who waits for a slot must hold none that another one waits for. */
            session_close(means->reader);
        }
        if (attention_pause(means->attention == NULL ? &nobody : means->attention,
                deadline_after_ms(jittered_ms(backoff_ms, random_number())))) {
            return SESSION_CANCELLED;
        }
        if (means->tend != NULL && !means->tend(means->lock)) {
            return SESSION_TIMED_OUT;
        }
        backoff_ms = backoff_ms * 2 > LONGEST_BACKOFF_MS ? LONGEST_BACKOFF_MS : backoff_ms * 2;
    }
}

enum session_result inspector_look(struct inspector *inspector, const struct inspector_means *means,
    const struct run *success, char doubt[LOOK_DOUBT_LENGTH]) {
    AUTO_SURVEY struct survey survey;
    bool is_fresh = means->tend == NULL && inspector->doubted_run == success->id &&
        !deadline_passed(deadline_later_ms(inspector->doubted_ms, DOUBT_LASTS_MS));
    survey_begin(&survey, inspector->target->migrations_table, false);
    if (is_fresh) {
        memcpy(doubt, inspector->doubt, LOOK_DOUBT_LENGTH);
        return SESSION_DONE;
    }
    add_databases(inspector, means, success->databases, &survey);
    enum session_result result = ask_patiently(inspector, means, &survey);
    if (result != SESSION_DONE) {
        return result;
    }
    inspection_doubt(&survey, doubt);
    inspector->doubted_run = doubt[0] == '\0' ? 0 : success->id;
    inspector->doubted_ms = clock_now_ms();
    memcpy(inspector->doubt, doubt, LOOK_DOUBT_LENGTH);
    return SESSION_DONE;
}

/* A line for each, and the refusal over all of them. */
static void judge_all(const struct survey *survey, const struct inspection_rules *rules,
    struct inspector_findings *findings) {
    size_t not_to_be_had = 0;
    size_t with_tables = 0;
    for (size_t i = 0; i < survey->count; i++) {
        AUTO_TEXT struct text line = {.data = NULL};
        switch (inspection_judge(survey, i, rules, &line)) {
        case INSPECTION_PASSED:
            continue;
        case INSPECTION_NOT_ALL:
            not_to_be_had++;
            break;
        case INSPECTION_TABLES:
            with_tables++;
            break;
        }
        string_list_append(&findings->obstacles, text_string(&line));
    }
    findings->is_refused = not_to_be_had + with_tables > 0;
    if (with_tables > 0) {
        error_set(&findings->error, EXIT_STATUS_CONFIGURATION,
            "%zu database%s with tables of unknown origin, so nothing has been touched: the server "
            "is not started",
            with_tables, with_tables == 1 ? "" : "s");
    } else if (not_to_be_had > 0) {
        error_set(&findings->error, EXIT_STATUS_UNAVAILABLE,
            "%zu of the application's databases %s not to be had, so nothing has been touched: "
            "Rails seeds only in the run that initialises the first of them, and that must not end "
            "half way; the server is not started",
            not_to_be_had, not_to_be_had == 1 ? "is" : "are");
    }
}

enum session_result inspector_judge(struct inspector *inspector,
    const struct inspector_means *means, struct inspector_findings *findings) {
    AUTO_SURVEY struct survey survey;
    const struct target *target = inspector->target;
    struct inspection_rules rules = {
        .tasks = target->tasks,
        .allow_schema_load = target->allow_schema_load,
        .is_first_missing = means->reader == NULL && !target->database->is_for_lock_only,
        .begun = findings->begun,
        .since = findings->since,
    };
    survey_begin(&survey, target->migrations_table, true);
    add_databases(inspector, means, NULL, &survey);
    enum session_result result = rules.tasks.concern_all
        ? ask_patiently(inspector, means, &survey)
        : survey_try(&survey, means->attention, deadline_after_ms(ATTEMPT_MS));
    if (result == SESSION_DONE) {
        result = result_of_reader(&survey, means);
    }
    if (result != SESSION_DONE) {
        return result;
    }
    inspection_explain(&survey, &rules, &findings->inspection);
    inspection_list_new(&survey, findings->initialised);
    findings->first = inspection_first(&survey, target->database);
    judge_all(&survey, &rules, findings);
    return SESSION_DONE;
}

void inspector_say_obstacles(const struct inspector_findings *findings) {
    for (size_t i = 0; i < findings->obstacles.count; i++) {
        report(EVENT_DATABASE_REFUSED, NULL, "%s", findings->obstacles.items[i]);
    }
}

void inspector_release_findings(struct inspector_findings *findings) {
    string_list_release(&findings->obstacles);
}

enum session_result inspector_look_afterwards(const struct inspector *inspector,
    const struct inspector_means *means, const struct steps_trace *trace, struct run *success,
    int64_t deadline_ms) {
    AUTO_SURVEY struct survey survey;
    survey_begin(&survey, inspector->target->migrations_table, false);
    add_databases(inspector, means, NULL, &survey);
    enum session_result result = survey_try(&survey, means->attention, deadline_ms);
    if (result == SESSION_DONE) {
        result = result_of_reader(&survey, means);
    }
    if (result == SESSION_DONE) {
        inspection_list_in_order(&survey, success->databases);
        inspection_find_elsewhere(&survey, inspector->target->database, trace, success->elsewhere);
    }
    return result;
}
