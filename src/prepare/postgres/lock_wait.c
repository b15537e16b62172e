/*
 * The question, and the words of the answer. Another role's statement and times are only shown to a
 * member of it or of pg_read_all_stats; its name and its application's are shown to everybody. A
 * prepared transaction blocks without a process: its number is 0.
 */
#include "prepare/postgres/lock_wait.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/duration.h"
#include "signalbox/base/number.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/statement.h"

enum { STATEMENT_SHOWN = 100, APPLICATION_SHOWN = 60 };

/* Of several that are in the way, the one whose transaction is the oldest. Since when a lock is
 * waited for is in the view since version 14; before, the statement's own beginning stands for it.
 */
static const char question[] =
    "WITH waiting AS (SELECT activity.pid, activity.query,"
    " coalesce(greatest(0, extract(epoch FROM clock_timestamp() - CASE"
    " WHEN to_jsonb(wanted) ? 'waitstart' THEN (to_jsonb(wanted) ->> 'waitstart')::timestamptz"
    " ELSE activity.query_start END) * 1000), 0)::bigint AS waited"
    " FROM pg_stat_activity AS activity JOIN pg_locks AS wanted"
    " ON wanted.pid = activity.pid AND NOT wanted.granted WHERE application_name = $1"
    " ORDER BY waited DESC LIMIT 1),"
    " blocking AS (SELECT waiting.*, unnest(pg_blocking_pids(waiting.pid)) AS by FROM waiting)"
    " SELECT waited, blocking.query, count(*) OVER (), by, usename, application_name, state,"
    " (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint, blocker.query"
    " FROM blocking LEFT JOIN pg_stat_activity AS blocker ON blocker.pid = by"
    " ORDER BY xact_start NULLS LAST, by LIMIT 1";

enum {
    COLUMN_WAITED,
    COLUMN_STATEMENT,
    COLUMN_COUNT,
    COLUMN_PID,
    COLUMN_ROLE,
    COLUMN_APPLICATION,
    COLUMN_STATE,
    COLUMN_AGE,
    COLUMN_BLOCKING_STATEMENT
};

static int64_t number_at(const struct session *session, int column) {
    int64_t number = 0;
    return number_parse(session_value(session, 0, column), 0, INT64_MAX, &number) ? number : 0;
}

static void append_blocker(const struct session *session, struct text *text) {
    const char *application = session_value(session, 0, COLUMN_APPLICATION);
    const char *state = session_value(session, 0, COLUMN_STATE);
    if (strcmp(session_value(session, 0, COLUMN_PID), "0") == 0) {
        text_append_string(text, "a prepared transaction (pg_prepared_xacts)");
        return;
    }
    text_append_format(text, "backend %s of role %s", session_value(session, 0, COLUMN_PID),
        session_value(session, 0, COLUMN_ROLE));
    if (application[0] != '\0') {
        text_append_format(text, ", %.*s", APPLICATION_SHOWN, application);
    }
    if (state[0] != '\0') {
        text_append_format(text, ", %s", state);
    }
    if (session_value(session, 0, COLUMN_AGE)[0] != '\0') {
        text_append_format(text, ", its transaction %s old",
            duration_describe(number_at(session, COLUMN_AGE)).string);
    }
    if (state[0] != '\0') {
        text_append_string(text, ", its statement: ");
        statement_mask(session_value(session, 0, COLUMN_BLOCKING_STATEMENT), STATEMENT_SHOWN, text);
    }
}

enum session_result lock_wait_find(const struct fence *fence, struct session *session,
    struct lock_wait *found, int64_t deadline_ms) {
    char assignment[FENCE_ASSIGNMENT_LENGTH];
    AUTO_TEXT struct text text = {.data = NULL};
    fence_assignment(fence, assignment);
    const char *parameters[] = {strchr(assignment, '=') + 1};
    enum session_result result = session_query(session, question, parameters, 1, deadline_ms);
    if (result == SESSION_FAILED && !session_is_lost(session)) {
        return SESSION_DONE;
    }
    if (result != SESSION_DONE || session_row_count(session) == 0 ||
        number_at(session, COLUMN_WAITED) <= found->waited_ms) {
        return result;
    }
    found->waited_ms = number_at(session, COLUMN_WAITED);
    append_blocker(session, &text);
    if (number_at(session, COLUMN_COUNT) > 1) {
        text_append_format(
            &text, " (and %lld more)", (long long)(number_at(session, COLUMN_COUNT) - 1));
    }
    (void)snprintf(found->by, sizeof found->by, "%s", text_string(&text));
    text_release(&text);
    statement_mask(session_value(session, 0, COLUMN_STATEMENT), STATEMENT_SHOWN, &text);
    (void)snprintf(found->statement, sizeof found->statement, "%s", text_string(&text));
    return SESSION_DONE;
}
