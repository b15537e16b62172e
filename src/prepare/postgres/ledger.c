/*
 * The ledger's SQL. Times are the database's own and only for people; what decides is the order of
 * ids, which the lock makes the order of runs.
 */
#include "prepare/postgres/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/postgres/schema.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum { WAITERS_MOST = 1000000 }; /* That anybody would count. */

static int64_t number_at(const struct session *session, int row, int column) {
    int64_t number = 0;
    return number_parse(session_value(session, row, column), INT64_MIN, INT64_MAX, &number) ? number
                                                                                            : 0;
}

#define STARTED LEDGER_MOMENT("row.started")
#define FINISHED LEDGER_MOMENT("row.finished")

/* The columns that run_at reads, before one of the two ages. What later versions added is read
 * through JSON, in which a column that is not there is NULL: a role that may only read meets an
 * older table too. */
#define RUN_COLUMNS                                                                                \
    " row.id, row.state, row.host, " STARTED ", " FINISHED ", coalesce(row.step, ''),"             \
    " coalesce(row.exit_status::text, ''), row.fingerprint, coalesce(row.release, ''),"            \
    " coalesce(to_jsonb(row) ->> 'databases', ''), coalesce(to_jsonb(row) ->> 'elsewhere', ''),"   \
    " coalesce(to_jsonb(row) ->> 'output', ''), coalesce(to_jsonb(row) ->> 'tries', ''),"          \
    " coalesce(to_jsonb(row) ->> 'waiters', ''), "

#define SINCE(moment)                                                                              \
    "greatest(0, extract(epoch FROM clock_timestamp() - " moment ") * 1000)::bigint"
#define SINCE_START SINCE("row.started")
#define SINCE_CHANGE SINCE("coalesce(row.finished, row.started)")

enum {
    COLUMN_ID,
    COLUMN_STATE,
    COLUMN_HOST,
    COLUMN_STARTED,
    COLUMN_FINISHED,
    COLUMN_STEP,
    COLUMN_EXIT_STATUS,
    COLUMN_FINGERPRINT,
    COLUMN_RELEASE,
    COLUMN_DATABASES,
    COLUMN_ELSEWHERE,
    COLUMN_OUTPUT,
    COLUMN_TRIES,
    COLUMN_WAITERS,
    COLUMN_AGE,
    COLUMN_COUNT
};

#define COPY_FIELD(field, session, row, column)                                                    \
    (void)snprintf(field, sizeof(field), "%s", session_value(session, row, column))

static struct run run_at(const struct session *session, int row) {
    struct run run = {
        .id = number_at(session, row, COLUMN_ID),
        .state = run_state_from_name(session_value(session, row, COLUMN_STATE)),
        .age_ms = number_at(session, row, COLUMN_AGE),
        .has_exit_status = session_value(session, row, COLUMN_EXIT_STATUS)[0] != '\0',
        .exit_status = (int)number_at(session, row, COLUMN_EXIT_STATUS),
        .tries = (int)number_at(session, row, COLUMN_TRIES),
        .waiters = number_at(session, row, COLUMN_WAITERS),
    };
    COPY_FIELD(run.host, session, row, COLUMN_HOST);
    COPY_FIELD(run.started, session, row, COLUMN_STARTED);
    COPY_FIELD(run.finished, session, row, COLUMN_FINISHED);
    COPY_FIELD(run.step, session, row, COLUMN_STEP);
    COPY_FIELD(run.fingerprint, session, row, COLUMN_FINGERPRINT);
    COPY_FIELD(run.release, session, row, COLUMN_RELEASE);
    COPY_FIELD(run.databases, session, row, COLUMN_DATABASES);
    COPY_FIELD(run.elsewhere, session, row, COLUMN_ELSEWHERE);
    COPY_FIELD(run.output, session, row, COLUMN_OUTPUT);
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

void ledger_release(struct ledger *ledger) {
    free(ledger->schema);
    free(ledger->table);
    ledger->schema = NULL;
    ledger->table = NULL;
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
        return session_fail(session, "no schema of the search path exists");
    }
    AUTO_TEXT struct text table = {.data = NULL};
    text_append_format(&table, "%s.signalbox_runs", quoted);
    ledger_release(ledger);
    ledger->schema = take_pointer(&quoted);
    ledger->table = string_copy(text_string(&table));
    return SESSION_DONE;
}

enum session_result ledger_exists(
    const struct ledger *ledger, struct session *session, bool *exists, int64_t deadline_ms) {
    const char *parameters[] = {ledger->table};
    enum session_result result =
        session_query(session, "SELECT to_regclass($1) IS NOT NULL", parameters, 1, deadline_ms);
    *exists = result == SESSION_DONE && strcmp(session_value(session, 0, 0), "t") == 0;
    return result;
}

static enum session_result create_table(
    const struct ledger *ledger, struct session *session, int64_t deadline_ms) {
    enum session_result result = query(ledger, session, "CREATE TABLE IF NOT EXISTS ",
        " (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run text NOT NULL,"
        " lock_key integer NOT NULL, fingerprint text NOT NULL, release text,"
        " state text NOT NULL, host text NOT NULL, started timestamptz NOT NULL DEFAULT now(),"
        " finished timestamptz, exit_status integer, step text, output text, databases text,"
        " initialises boolean, elsewhere text, tries integer, waiters bigint)",
        NULL, 0, deadline_ms);
    if (result == SESSION_FAILED && strcmp(session->failure.sqlstate, "23505") == 0) {
        /* Another lock key's first runner made the table in the same instant. */
        result = SESSION_DONE;
    }
    if (result == SESSION_DONE) {
        result = query(ledger, session, "CREATE INDEX IF NOT EXISTS signalbox_runs_fingerprint ON ",
            " (lock_key, fingerprint, id)", NULL, 0, deadline_ms);
    }
    if (result == SESSION_DONE) {
        result = query(ledger, session, "CREATE INDEX IF NOT EXISTS signalbox_runs_running ON ",
            " (lock_key) WHERE state = 'running'", NULL, 0, deadline_ms);
    }
    return result;
}

/* What an older version's table has not got. A backup that reads the table for an hour must not
 * hold up a deploy, so the lock on it is not waited for long. */
static enum session_result add_columns(
    const struct ledger *ledger, struct session *session, int64_t deadline_ms) {
    const char *parameters[] = {ledger->table};
    enum session_result result = session_query(session,
        "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped"
        " AND attname IN ('output', 'databases', 'initialises', 'elsewhere', 'tries', 'waiters')",
        parameters, 1, deadline_ms);
    if (result != SESSION_DONE || strcmp(session_value(session, 0, 0), "6") == 0) {
        return result;
    }
    return query(ledger, session, "DO $add$ BEGIN SET LOCAL lock_timeout = '5s'; ALTER TABLE ",
        " ADD COLUMN IF NOT EXISTS output text, ADD COLUMN IF NOT EXISTS databases text,"
        " ADD COLUMN IF NOT EXISTS initialises boolean,"
        " ADD COLUMN IF NOT EXISTS elsewhere text, ADD COLUMN IF NOT EXISTS tries integer,"
        " ADD COLUMN IF NOT EXISTS waiters bigint; END $add$",
        NULL, 0, deadline_ms);
}

enum session_result ledger_make(
    const struct ledger *ledger, struct session *session, bool *exists, int64_t deadline_ms) {
    enum session_result result = ledger_exists(ledger, session, exists, deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    result = *exists ? add_columns(ledger, session, deadline_ms)
                     : create_table(ledger, session, deadline_ms);
    *exists = *exists || result == SESSION_DONE;
    return result;
}

/* A row of each kind, with a tag and the two tallies behind it. Of a fingerprint's rows those
 * after its last success count; the last twenty say enough. The columns are written once and not
 * for each kind, since a new session has to parse and plan them all. */
static void append_look(struct text *statement, const char *table) {
    static const struct {
        const char *tag;
        const char *condition;
    } kinds[] = {
        {"newest", "fingerprint = $2"},
        {"holder", "state = 'running'"},
        {"latest", "state = 'succeeded'"},
        {"unfinished", "to_jsonb(row) ->> 'initialises' = 'true' AND state <> 'running'"},
    };
    text_append_format(statement,
        "WITH recent AS (SELECT id, state, exit_status FROM %s AS row"
        " WHERE lock_key = $1::integer AND fingerprint = $2 ORDER BY id DESC LIMIT 20),"
        " tally AS (SELECT count(*) FILTER (WHERE state = 'failed' AND id > coalesce("
        "(SELECT max(id) FROM recent WHERE state = 'succeeded'), 0)) AS failures,"
        " count(*) FILTER (WHERE state = 'interrupted' AND exit_status > 128 AND id > coalesce("
        "(SELECT max(id) FROM recent WHERE state IN ('succeeded', 'failed')), 0)) AS deaths"
        " FROM recent), picked (tag, picked_id) AS (",
        table);
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        text_append_format(statement,
            "%s(SELECT '%s', id FROM %s AS row WHERE lock_key = $1::integer AND %s"
            " ORDER BY id DESC LIMIT 1)",
            i == 0 ? "" : " UNION ALL ", kinds[i].tag, table, kinds[i].condition);
    }
    text_append_format(statement,
        ") SELECT" RUN_COLUMNS SINCE_CHANGE ", tag, failures, deaths"
        " FROM picked JOIN %s AS row ON row.id = picked_id, tally",
        table);
}

static void take_row(const struct session *session, int row, struct look *look) {
    enum { TAG = COLUMN_COUNT, FAILURES, DEATHS };
    const char *tag = session_value(session, row, TAG);
    struct run run = run_at(session, row);
    if (strcmp(tag, "newest") == 0) {
        look->newest = run;
        look->failures = (int)number_at(session, row, FAILURES);
        look->deaths = (int)number_at(session, row, DEATHS);
    } else if (strcmp(tag, "holder") == 0) {
        look->holder = run;
    } else if (strcmp(tag, "latest") == 0) {
        look->latest = run;
    } else {
        look->unfinished = run;
    }
}

enum session_result ledger_read(const struct ledger *ledger, struct session *session,
    struct look *look, bool *exists, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key, ledger->fingerprint};
    *look = (struct look){.newest = {.state = RUN_NONE}};
    AUTO_TEXT struct text statement = {.data = NULL};
    append_look(&statement, ledger->table);
    enum session_result result = session_query(
        session, text_string(&statement), parameters, ARRAY_LENGTH(parameters), deadline_ms);
    *exists = result != SESSION_FAILED || strcmp(session->failure.sqlstate, "42P01") != 0;
    if (!*exists) {
        return SESSION_DONE;
    }
    if (result != SESSION_DONE) {
        return result;
    }
    for (int row = 0; row < session_row_count(session); row++) {
        take_row(session, row, look);
    }
    if (look->latest.id != 0) {
        look->unfinished = (struct run){.state = RUN_NONE};
    }
    return SESSION_DONE;
}

enum session_result ledger_list(const struct ledger *ledger, struct session *session,
    struct history *found, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key};
    AUTO_TEXT struct text statement = {.data = NULL};
    text_append_format(&statement,
        "SELECT" RUN_COLUMNS SINCE_CHANGE
        " FROM %s AS row WHERE lock_key = $1::integer ORDER BY id DESC LIMIT %d",
        ledger->table, HISTORY_MOST);
    enum session_result result =
        session_query(session, text_string(&statement), parameters, 1, deadline_ms);
    for (int row = 0; result == SESSION_DONE && row < session_row_count(session); row++) {
        found->runs[found->count++] = run_at(session, row);
    }
    return result;
}

enum session_result ledger_mark_interrupted(
    const struct ledger *ledger, struct session *session, struct run *dead, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key};
    *dead = (struct run){.state = RUN_NONE};
    enum session_result result = query(ledger, session, "UPDATE ",
        " AS row SET state = 'interrupted', finished = clock_timestamp()"
        " WHERE lock_key = $1::integer AND state = 'running'"
        " RETURNING" RUN_COLUMNS SINCE_START,
        parameters, 1, deadline_ms);
    if (result == SESSION_DONE && session_row_count(session) > 0) {
        *dead = run_at(session, 0);
    }
    return result;
}

static const char *or_null(const char *string) {
    return string[0] == '\0' ? NULL : string;
}

enum session_result ledger_begun(
    const struct ledger *ledger, struct session *session, char **names, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key};
    AUTO_TEXT struct text statement = {.data = NULL};
    *names = NULL;
    text_append_format(&statement,
        "SELECT coalesce(string_agg(to_jsonb(row) ->> 'databases', chr(10)), '') FROM %s AS row"
        " WHERE lock_key = $1::integer AND state <> 'succeeded' AND id > coalesce((SELECT max(id)"
        " FROM %s WHERE lock_key = $1::integer AND state = 'succeeded'), 0)",
        ledger->table, ledger->table);
    enum session_result result =
        session_query(session, text_string(&statement), parameters, 1, deadline_ms);
    bool is_missing = result == SESSION_FAILED && strcmp(session->failure.sqlstate, "42P01") == 0;
    if (result == SESSION_DONE || is_missing) {
        *names = string_copy(is_missing ? "" : session_value(session, 0, 0));
        return SESSION_DONE;
    }
    return result;
}

enum session_result ledger_begin(const struct ledger *ledger, struct session *session,
    const struct ledger_entry *entry, int64_t *id, int64_t deadline_ms) {
    const char *parameters[] = {entry->run, ledger->lock_key, ledger->fingerprint, entry->release,
        entry->host, entry->initialises ? "true" : "false", or_null(entry->databases)};
    enum session_result result = query(ledger, session, "INSERT INTO ",
        " (run, lock_key, fingerprint, release, state, host, initialises, databases)"
        " VALUES ($1, $2::integer, $3, $4, 'running', $5, $6::boolean, $7) RETURNING id",
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result == SESSION_DONE) {
        *id = number_at(session, 0, 0);
    }
    return result;
}

/* Asked first, since a refusal would stand in the server's log as an error, once for every replica.
 * Above READ COMMITTED those who write to the row at once refuse each other, and the runner's
 * record must not be refused. */
static enum session_result find_countable(
    const struct ledger *ledger, struct session *session, bool *is_countable, int64_t deadline_ms) {
    const char *parameters[] = {ledger->table};
    enum session_result result = session_query(session,
        "SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'waiters'"
        " AND NOT attisdropped AND atttypid = 'bigint'::regtype"
        " AND has_column_privilege(attrelid, attnum, 'UPDATE')"
        " AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable')",
        parameters, 1, deadline_ms);
    *is_countable = result == SESSION_DONE && session_row_count(session) == 1;
    return result;
}

/* A statement that waits in the server goes on after its client has left, and takes a connection;
 * so this one waits neither for whoever has the row, nor long for whoever has the table, nor for a
 * standby. Both statements are sent at once, which makes them one transaction, behind a pooler
 * too. */
enum session_result ledger_count_waiter(const struct ledger *ledger, struct session *session,
    int64_t id, int64_t *waiters, int64_t deadline_ms) {
    AUTO_TEXT struct text statements = {.data = NULL};
    bool is_countable = false;
    *waiters = 0;
    enum session_result result = find_countable(ledger, session, &is_countable, deadline_ms);
    if (!is_countable) {
        *waiters = LEDGER_UNCOUNTABLE;
        return result;
    }
    text_append_format(&statements,
        "SELECT set_config('lock_timeout', '1s', true),"
        " set_config('synchronous_commit', 'off', true);"
        " UPDATE %s SET waiters = least(coalesce(waiters, 0), %d) + 1 WHERE id ="
        " (SELECT id FROM %s WHERE id = %lld AND state = 'running' FOR UPDATE SKIP LOCKED)"
        " RETURNING waiters",
        ledger->table, WAITERS_MOST, ledger->table, (long long)id);
    result = session_query(session, text_string(&statements), NULL, 0, deadline_ms);
    if (result == SESSION_DONE && session_row_count(session) == 1) {
        *waiters = number_at(session, 0, 0);
    }
    return result;
}

enum session_result ledger_end(const struct ledger *ledger, struct session *session,
    const struct run *outcome, bool *changed, int64_t deadline_ms) {
    char id[24];
    char exit_status[16];
    char tries[16];
    (void)snprintf(tries, sizeof tries, "%d", outcome->tries);
    (void)snprintf(id, sizeof id, "%lld", (long long)outcome->id);
    (void)snprintf(exit_status, sizeof exit_status, "%d", outcome->exit_status);
    /* Stopped at our wish or without the lock, a step's status says nothing about it. */
    bool has_status = outcome->state != RUN_INTERRUPTED || outcome->exit_status != 0;
    const char *parameters[] = {id, run_state_name(outcome->state), has_status ? exit_status : NULL,
        or_null(outcome->step), or_null(outcome->databases), or_null(outcome->elsewhere),
        outcome->tries == 0 ? NULL : tries, or_null(outcome->output)};
    static const char change[] =
        " SET state = $2, finished = clock_timestamp(), exit_status = $3::integer, step = $4,"
        " databases = CASE WHEN $2 = 'succeeded' THEN $5 ELSE databases END, elsewhere = $6,"
        " tries = $7::integer, output = $8"
        " WHERE id = $1::bigint AND (state = 'running'"
        /* Written by an attempt whose answer came too late: others only mark as interrupted. */
        " OR (state = $2 AND state <> 'interrupted')) RETURNING id";
    enum session_result result = query(
        ledger, session, "UPDATE ", change, parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result == SESSION_FAILED && string_has_prefix(session->failure.sqlstate, "22")) {
        /* The database's encoding has not got the output's characters: the outcome counts more. */
        parameters[ARRAY_LENGTH(parameters) - 1] = NULL;
        result = query(
            ledger, session, "UPDATE ", change, parameters, ARRAY_LENGTH(parameters), deadline_ms);
    }
    *changed = result == SESSION_DONE && session_row_count(session) == 1;
    return result;
}

enum session_result ledger_prune(
    const struct ledger *ledger, struct session *session, int64_t deadline_ms) {
    const char *parameters[] = {ledger->lock_key};
    AUTO_TEXT struct text statement = {.data = NULL};
    text_append_format(&statement,
        "WITH kept AS (SELECT max(id) AS id FROM %s WHERE lock_key = $1::integer"
        " AND state = 'succeeded' GROUP BY fingerprint ORDER BY 1 DESC LIMIT 1000),"
        " recent AS (SELECT id FROM %s WHERE lock_key = $1::integer"
        " AND id NOT IN (SELECT id FROM kept) ORDER BY id DESC LIMIT 100)"
        " DELETE FROM %s WHERE lock_key = $1::integer AND state <> 'running'"
        " AND id NOT IN (SELECT id FROM kept UNION ALL SELECT id FROM recent)",
        ledger->table, ledger->table, ledger->table);
    return session_query(session, text_string(&statement), parameters, 1, deadline_ms);
}
