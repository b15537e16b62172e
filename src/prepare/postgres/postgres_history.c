/*
 * Reads the past and the lock over the reader's connection. Connecting must create nothing and try
 * only once, because the question is simply asked again. A lock may be held by a replica that has
 * not written a row, and a row may be of a replica that no longer holds the lock.
 */
#include "prepare/postgres/postgres_history.h"

#include <stdio.h>
#include <string.h>

#include "prepare/postgres/ledger.h"
#include "prepare/postgres/lock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

/* One attempt. A database that is not there is an answer too. */
static enum observation connect_for_asking(
    struct link *link, struct history *found, struct error *error) {
    const struct session_failure *failure = &link->session.failure;
    switch (link_open_another(link, &link->session, deadline_after_ms(link->connect_timeout_ms))) {
    case SESSION_DONE:
        return SEEN_DONE;
    case SESSION_CANCELLED:
        return SEEN_CANCELLED;
    case SESSION_PENDING:
    case SESSION_TIMED_OUT:
        return link_refuse(link, EXIT_STATUS_UNAVAILABLE, failure->message, error);
    case SESSION_FAILED:
        break;
    }
    if (failure->trouble == TROUBLE_MISSING_DATABASE) {
        (void)snprintf(found->absent, sizeof found->absent, "the database %s does not exist",
            link->database->name);
        return SEEN_DONE;
    }
    return link_refuse(link,
        failure->trouble == TROUBLE_FINAL ? EXIT_STATUS_CONFIGURATION : EXIT_STATUS_UNAVAILABLE,
        failure->message, error);
}

#define SINCE LEDGER_MOMENT("activity.xact_start")

/* Who holds the lock, by the name that our sessions have. */
static enum session_result find_holder(
    struct link *link, const char *lock_key, struct lock_holder *holder, int64_t deadline_ms) {
    struct session *session = &link->session;
    const char *parameters[] = {lock_key};
    enum session_result result = session_query(session,
        "SELECT coalesce(substring(activity.application_name FROM '^signalbox/(.*)$'), '')," SINCE
        " FROM pg_locks AS lock LEFT JOIN pg_stat_activity AS activity USING (pid)"
        " WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 2"
        " AND lock.classid::bigint = " LOCK_CLASS
        " AND lock.objid::bigint = ($1::bigint & 4294967295)"
        " AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " LIMIT 1",
        parameters, 1, deadline_ms);
    holder->is_held = result == SESSION_DONE && session_row_count(session) > 0;
    if (holder->is_held) {
        (void)snprintf(holder->by, sizeof holder->by, "%s", session_value(session, 0, 0));
        (void)snprintf(holder->since, sizeof holder->since, "%s", session_value(session, 0, 1));
    }
    return result;
}

static enum session_result find_runs(
    struct link *link, struct ledger *ledger, struct history *found, int64_t deadline_ms) {
    enum session_result result = ledger_find(ledger, &link->session, deadline_ms);
    return result == SESSION_DONE ? ledger_list(ledger, &link->session, found, deadline_ms)
                                  : result;
}

/* An application name has 63 bytes at most, in which a long host's is cut. */
static bool is_host(const char *host, const char *named) {
    static const size_t room = 63 - (sizeof "signalbox/" - 1);
    return named[0] == '\0' || strcmp(host, named) == 0 ||
        (strlen(named) >= room && string_has_prefix(host, named));
}

/* The holder's own row says better since when it prepares. */
static void prefer_row(struct history *found) {
    for (size_t i = 0; i < found->count && found->lock.is_held; i++) {
        const struct run *run = &found->runs[i];
        if (run->state == RUN_RUNNING && is_host(run->host, found->lock.by)) {
            (void)snprintf(found->lock.by, sizeof found->lock.by, "%s", run->host);
            (void)snprintf(found->lock.since, sizeof found->lock.since, "%s", run->started);
            return;
        }
    }
}

/* A ledger that is not there, or not to be read, is no trouble here: the look says so. */
static bool is_answered(struct session *session, enum session_result result) {
    return result == SESSION_DONE || (result == SESSION_FAILED && !session_is_lost(session));
}

enum observation postgres_history(
    struct link *link, struct ledger *ledger, struct history *found, struct error *error) {
    int64_t deadline_ms = deadline_after_ms(link->connect_timeout_ms);
    *found = (struct history){.count = 0};
    enum observation connected = connect_for_asking(link, found, error);
    if (connected != SEEN_DONE || found->absent[0] != '\0') {
        return connected;
    }
    enum session_result result = find_holder(link, ledger->lock_key, &found->lock, deadline_ms);
    if (result == SESSION_DONE) {
        result = find_runs(link, ledger, found, deadline_ms);
    }
    if (result == SESSION_CANCELLED) {
        return SEEN_CANCELLED;
    }
    if (!is_answered(&link->session, result)) {
        AUTO_TEXT struct text reason = {.data = NULL};
        text_append_format(&reason, "it stopped answering (%s)", link->session.failure.message);
        return link_refuse(link, EXIT_STATUS_UNAVAILABLE, text_string(&reason), error);
    }
    prefer_row(found);
    return SEEN_DONE;
}
