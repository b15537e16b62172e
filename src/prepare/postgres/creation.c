/*
 * Creating the database. A replica that creates it races with every other one, so each of the
 * server's answers to the loser of that race counts as success.
 */
#include "prepare/postgres/creation.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/number.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"
#include "signalbox/report/report.h"

/* What CREATE DATABASE says to whoever came second, or came while somebody else looked at the
 * template: 42P04 duplicate, 23505 in the same instant, 55006 template in use. */
static bool lost_the_race(const char *sqlstate) {
    return strcmp(sqlstate, "42P04") == 0 || strcmp(sqlstate, "23505") == 0 ||
        strcmp(sqlstate, "55006") == 0;
}

/* CREATE DATABASE with what Rails would give it, in the same form: names in double quotes, the rest
 * in single ones, encoding utf8 where neither the configuration nor CHARSET says another. */
static void append_creation(struct text *statement, const struct database *database) {
    static const struct {
        enum creation_setting setting;
        const char *sql;
        char quote; /* 0: none, a number. */
    } clauses[] = {
        {CREATION_ENCODING, "ENCODING", '\''},
        {CREATION_OWNER, "OWNER", '"'},
        {CREATION_TEMPLATE, "TEMPLATE", '"'},
        {CREATION_LOCALE_PROVIDER, "LOCALE_PROVIDER", '\''},
        {CREATION_LOCALE, "LOCALE", '\''},
        {CREATION_COLLATION, "LC_COLLATE", '\''},
        {CREATION_CTYPE, "LC_CTYPE", '\''},
        {CREATION_TABLESPACE, "TABLESPACE", '"'},
        {CREATION_CONNECTION_LIMIT, "CONNECTION LIMIT", 0},
    };
    const char *charset = getenv("CHARSET");
    for (size_t i = 0; i < ARRAY_LENGTH(clauses); i++) {
        const char *value = database->creation[clauses[i].setting];
        int64_t number = 0;
        if (value == NULL && clauses[i].setting == CREATION_ENCODING) {
            value = charset == NULL ? "utf8" : charset;
        }
        if (value == NULL ||
            (clauses[i].quote == 0 && !number_parse(value, -1, 1 << 30, &number))) {
            continue;
        }
        char quote[2] = {clauses[i].quote, '\0'};
        text_append_format(statement, " %s = %s", clauses[i].sql, quote);
        for (; *value != '\0'; value++) {
            if (*value == clauses[i].quote) {
                text_append_string(statement, quote);
            }
            text_append(statement, value, 1);
        }
        text_append_string(statement, quote);
    }
}

/* A database is created only where the steps could then go all the way. Another replica may have
 * created it meanwhile, and be at work on the others: then there is nothing to judge here. */
static enum observation judge_before_creating(
    const struct link *link, struct preflight_run *preflight_run, struct error *error) {
    static const struct run none = {.state = RUN_NONE};
    const struct probe_context context = {.interrupt = link->interrupt};
    AUTO_PREFLIGHT_FINDINGS struct preflight_run_findings findings = {.begun = "", .since = &none};
    struct session session;
    enum session_result result = preflight_run_judge(preflight_run, &context, &findings);
    if (result != SESSION_DONE || !findings.is_refused) {
        return result == SESSION_CANCELLED ? SEEN_CANCELLED : SEEN_DONE;
    }
    result = link_open_another(link, &session, login_deadline_ms(link->database, LINK_ATTEMPT_MS));
    session_close(&session);
    if (result == SESSION_DONE || result == SESSION_CANCELLED) {
        return result == SESSION_CANCELLED ? SEEN_CANCELLED : SEEN_DONE;
    }
    preflight_run_say_obstacles(&findings);
    *error = findings.error;
    return SEEN_REFUSED;
}

enum observation creation_attempt(struct link *link, struct preflight_run *preflight_run,
    int64_t deadline_ms, struct error *error) {
    const struct database *database = link->database;
    struct session session;
    AUTO_TEXT struct text statement = {.data = NULL};
    enum observation judged = judge_before_creating(link, preflight_run, error);
    if (judged != SEEN_DONE) {
        return judged;
    }
    enum session_result result =
        link_open_database(database, "postgres", link->interrupt, &session, deadline_ms);
    if (result == SESSION_CANCELLED) {
        return SEEN_CANCELLED;
    }
    if (result == SESSION_TIMED_OUT) {
        return SEEN_DONE;
    }
    if (result != SESSION_DONE && trouble_may_pass(session.failure.trouble)) {
        link_note(link, &session.failure);
        return SEEN_DONE;
    }
    if (result != SESSION_DONE) {
        AUTO_TEXT struct text reason = {.data = NULL};
        text_append_format(&reason,
            "the database does not exist, and there is no way in to create it (%s): create it "
            "by hand",
            session.failure.message);
        return link_refuse(link, EXIT_STATUS_UNAVAILABLE, text_string(&reason), error);
    }
    AUTO_FREE char *quoted = session_quote_identifier(&session, database->name);
    text_append_format(&statement, "CREATE DATABASE %s", quoted == NULL ? "\"\"" : quoted);
    append_creation(&statement, database);
    result = session_query(&session, text_string(&statement), NULL, 0, deadline_ms);
    struct session_failure failure = session.failure;
    session_close(&session);
    if (result == SESSION_CANCELLED) {
        return SEEN_CANCELLED;
    }
    if (result == SESSION_DONE) {
        report(EVENT_DATABASE_CREATED, NULL, "created the database %s", database->name);
        return SEEN_DONE;
    }
    if (result == SESSION_TIMED_OUT || failure.origin == FAILURE_OF_LINK ||
        lost_the_race(failure.sqlstate)) {
        return SEEN_DONE;
    }
    AUTO_TEXT struct text reason = {.data = NULL};
    text_append_format(&reason,
        "the database does not exist and cannot be created (%s): create it by hand, or give its "
        "role CREATEDB",
        failure.message);
    return link_refuse(link, EXIT_STATUS_UNAVAILABLE, text_string(&reason), error);
}
