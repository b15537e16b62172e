/*
 * The ledger's SQL. Times are the database's own and only for people; what decides is the order of
 * ids, which the lock makes the order of runs.
 */
#include "prepare/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/schema.h"
#include "signalbox/base/text.h"

static const char *const state_names[] = {
    [RUN_NONE] = "none",
    [RUN_RUNNING] = "running",
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_FAILED] = "failed",
    [RUN_INTERRUPTED] = "interrupted",
};

static enum run_state state_from_name(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(state_names); i++) {
        if (strcmp(state_names[i], name) == 0) {
            return (enum run_state)i;
        }
    }
    return RUN_NONE;
}

static int64_t number_at(const struct session *session, int row, int column) {
    int64_t number = 0;
    return number_parse(session_value(session, row, column), INT64_MIN, INT64_MAX, &number) ? number
                                                                                            : 0;
}

static struct run run_at(const struct session *session, int row) {
    struct run run = {
        .id = number_at(session, row, 1),
        .state = state_from_name(session_value(session, row, 2)),
        .exit_status = (int)number_at(session, row, 5),
        .age_ms = number_at(session, row, 6),
    };
    (void)snprintf(run.host, sizeof run.host, "%s", session_value(session, row, 3));
    (void)snprintf(run.step, sizeof run.step, "%s", session_value(session, row, 4));
    return run;
}

/* Runs a statement with the table's name between its two halves. */
static enum session_result query(const struct ledger *ledger, struct session *session,
    const char *before, const char *after, const char *const *parameters, int count,
    int64_t deadline_ms) {
    AUTO_TEXT struct text statement = {.data = NULL};
    text_append_string(&statement, before);
    text_append_string(&statement, ledger->table);
    text_append_string(&statement, after);
    return session_query(session, text_string(&statement), parameters, count, deadline_ms);
}

enum session_result ledger_find(
    struct ledger *ledger, struct session *session, int64_t deadline_ms) {
    enum session_result result = schema_find(session, ledger->search_path, deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    const char *schema = session_row_count(session) == 1 ? session_value(session, 0, 1) : "";
    AUTO_FREE char *quoted = schema[0] == '\0' ? NULL : session_quote_identifier(session, schema);
    if (quoted == NULL) {
        (void)snprintf(session->failure.message, sizeof session->failure.message,
            "no schema of the search path exists");
        return SESSION_FAILED;
    }
    AUTO_TEXT struct text table = {.data = NULL};
    text_append_format(&table, "%s.signalbox_runs", quoted);
    free(ledger->table);
    ledger->table = string_copy(text_string(&table));
    return SESSION_DONE;
}

enum session_result ledger_make(
    const struct ledger *ledger, struct session *session, int64_t deadline_ms) {
    const char *parameters[] = {ledger->table};
    enum session_result result =
        session_query(session, "SELECT to_regclass($1) IS NOT NULL", parameters, 1, deadline_ms);
    if (result != SESSION_DONE || strcmp(session_value(session, 0, 0), "t") == 0) {
        return result;
    }
    result = query(ledger, session, "CREATE TABLE IF NOT EXISTS ",
        " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text NOT NULL,"
        " lock_key integer NOT NULL, fingerprint text NOT NULL, release text,"
        " state text NOT NULL, host text NOT NULL, started timestamptz NOT NULL DEFAULT now(),"
        " finished timestamptz, exit_status integer, step text)",
        NULL, 0, deadline_ms);
    if (result == SESSION_FAILED && strcmp(session->failure.sqlstate, "23505") == 0) {
        /* Another lock key's first runner made the table in the same instant. */
        result = SESSION_DONE;
    }
    if (result != SESSION_DONE) {
        return result;
    }
    return query(ledger, session, "CREATE INDEX IF NOT EXISTS signalbox_runs_fingerprint ON ",
        " (lock_key, fingerprint, id)", NULL, 0, deadline_ms);
}

/* The columns that run_at reads, with a tag in front. */
#define RUN_COLUMNS                                                                                \
    " id, state, host, coalesce(step, ''), coalesce(exit_status, 0),"                              \
    " greatest(0, extract(epoch FROM clock_timestamp() - coalesce(finished, started)) * 1000)"     \
    "::bigint FROM "

enum session_result ledger_read(
    const struct ledger *ledger, struct session *session, struct look *look, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key, ledger->fingerprint};
    *look = (struct look){.newest = {.state = RUN_NONE}};
    AUTO_TEXT struct text holder = {.data = NULL};
    text_append_format(&holder,
        " WHERE lock_key = $1::integer AND fingerprint = $2 ORDER BY id DESC LIMIT 1)"
        " UNION ALL (SELECT 'holder'," RUN_COLUMNS "%s"
        " WHERE lock_key = $1::integer AND state = 'running' ORDER BY id DESC LIMIT 1)",
        ledger->table);
    enum session_result result = query(ledger, session, "(SELECT 'newest'," RUN_COLUMNS,
        text_string(&holder), parameters, 2, deadline_ms);
    if (result == SESSION_FAILED && strcmp(session->failure.sqlstate, "42P01") == 0) {
        return SESSION_DONE;
    }
    if (result != SESSION_DONE) {
        return result;
    }
    for (int row = 0; row < session_row_count(session); row++) {
        struct run run = run_at(session, row);
        if (strcmp(session_value(session, row, 0), "newest") == 0) {
            look->newest = run;
        } else {
            look->holder = run;
        }
    }
    return SESSION_DONE;
}

enum session_result ledger_bury(
    const struct ledger *ledger, struct session *session, struct run *dead, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key};
    *dead = (struct run){.state = RUN_NONE};
    enum session_result result = query(ledger, session, "UPDATE ",
        " SET state = 'interrupted', finished = clock_timestamp()"
        " WHERE lock_key = $1::integer AND state = 'running'"
        " RETURNING 'dead', id, state, host, coalesce(step, ''), coalesce(exit_status, 0),"
        " greatest(0, extract(epoch FROM clock_timestamp() - started) * 1000)::bigint",
        parameters, 1, deadline_ms);
    if (result == SESSION_DONE && session_row_count(session) > 0) {
        *dead = run_at(session, 0);
    }
    return result;
}

enum session_result ledger_begin(const struct ledger *ledger, struct session *session,
    const char *run, const char *host, const char *release, int64_t *id, int64_t deadline_ms) {
    const char *parameters[] = {run, ledger->lock_key, ledger->fingerprint, release, host};
    enum session_result result = query(ledger, session, "INSERT INTO ",
        " (run, lock_key, fingerprint, release, state, host)"
        " VALUES ($1, $2::integer, $3, $4, 'running', $5) RETURNING id",
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result == SESSION_DONE) {
        *id = number_at(session, 0, 0);
    }
    return result;
}

enum session_result ledger_end(const struct ledger *ledger, struct session *session,
    const struct run *outcome, bool *changed, int64_t deadline_ms) {
    char id[24];
    char exit_status[16];
    (void)snprintf(id, sizeof id, "%lld", (long long)outcome->id);
    (void)snprintf(exit_status, sizeof exit_status, "%d", outcome->exit_status);
    const char *parameters[] = {id, state_names[outcome->state], exit_status,
        outcome->step[0] == '\0' ? NULL : outcome->step};
    enum session_result result = query(ledger, session, "UPDATE ",
        " SET state = $2, finished = clock_timestamp(), exit_status = $3::integer, step = $4"
        " WHERE id = $1::bigint AND state = 'running' RETURNING id",
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    *changed = result == SESSION_DONE && session_row_count(session) == 1;
    return result;
}

void ledger_release(struct ledger *ledger) {
    free(ledger->table);
    ledger->table = NULL;
}
