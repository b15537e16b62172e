/*
 * Connecting. The trap: a replica that creates the database races with every other one, so each of
 * the server's answers to the loser of that race counts as success.
 */
#include "prepare/postgres/connect.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/number.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/database/conninfo.h"
#include "signalbox/report/report.h"

enum {
    SHORTEST_BACKOFF_MS = 100,
    LONGEST_BACKOFF_MS = 2000,
    LONGEST_CROWDED_MS = 10000, /* Where a thousand come at once, each refusal costs a fork. */
    PAUSES_PER_REFUSAL = 20,
    SLOT_PAUSE_MS = 200,
    ATTEMPT_MS = 10000 /* A server that accepts and never answers is not waited for longer. */
};

static enum session_result open_session(const struct postgres_backend *backend, const char *name,
    struct session *session, int64_t deadline_ms) {
    AUTO_CONNINFO struct conninfo conninfo;
    conninfo_of(backend->target->database, name, &conninfo);
    return session_open(
        session, conninfo.keywords, conninfo.values, backend->interrupt, deadline_ms);
}

enum session_result connect_once(
    const struct postgres_backend *backend, struct session *session, int64_t deadline_ms) {
    return open_session(backend, NULL, session, deadline_ms);
}

enum session_result connect_reader(struct postgres_backend *backend, int64_t deadline_ms) {
    backend->is_learned = false;
    return connect_once(backend, &backend->reader, deadline_ms);
}

enum session_result connect_reader_patiently(
    struct postgres_backend *backend, int64_t deadline_ms) {
    static const struct interrupt nobody = {.fd = -1};
    enum session_result result = SESSION_DONE;
    while (backend->reader.connection == NULL) {
        result = connect_reader(backend, deadline_ms);
        bool is_refused =
            result == SESSION_FAILED && backend->reader.failure.trouble == TROUBLE_NO_SLOT;
        if (!is_refused || deadline_passed(deadline_ms)) {
            return result;
        }
        const struct interrupt *interrupt = backend->interrupt;
        if (interrupt_pause(interrupt == NULL ? &nobody : interrupt,
                deadline_after_ms(random_jittered_ms(SLOT_PAUSE_MS, random_number())))) {
            return SESSION_CANCELLED;
        }
    }
    return result;
}

bool connect_has_room(const struct postgres_backend *backend, int count, int64_t deadline_ms) {
    struct session more = {.connection = NULL};
    if (count == 0) {
        return true;
    }
    bool has_room = connect_once(backend, &more, deadline_ms) == SESSION_DONE &&
        connect_has_room(backend, count - 1, deadline_ms);
    session_close(&more);
    return has_room;
}

static enum observation refuse(
    struct error *error, int exit_status, const struct database *database, const char *reason) {
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(database, &description);
    error_set(error, exit_status, "%s (from %s): %s", text_string(&description), database->source,
        reason);
    return SEEN_REFUSED;
}

static void report_once(struct postgres_backend *backend, const struct session_failure *failure) {
    if (strcmp(backend->last_reason, failure->message) == 0) {
        return;
    }
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(backend->target->database, &description);
    memcpy(backend->last_reason, failure->message, sizeof backend->last_reason);
    report(EVENT_DATABASE_UNREACHABLE, NULL, "%s %s yet: %s", text_string(&description),
        failure->trouble == TROUBLE_NO_SLOT ? "has no connection to spare" : "is not reachable",
        failure->message);
}

void connect_note(struct postgres_backend *backend, const struct session_failure *failure) {
    memcpy(backend->said, failure->message, sizeof backend->said);
    report_once(backend, failure);
}

enum observation connect_find_no_slot(
    struct postgres_backend *backend, const struct session_failure *failure, struct error *error) {
    connect_note(backend, failure);
    error_set(error, EXIT_STATUS_WAITED_TOO_LONG, "%s", failure->message);
    return SEEN_CROWDED;
}

/* An attempt that had hardly any time left says nothing about the server. */
static void note_silence(struct postgres_backend *backend, bool had_time) {
    if (had_time || backend->said[0] == '\0') {
        report_once(backend, &backend->reader.failure);
    }
}

/* The last line that people read, and quote: it names the last thing that was said. */
static enum observation refuse_in_the_end(
    const struct postgres_backend *backend, bool was_silent_for_long, struct error *error) {
    AUTO_TEXT struct text reason = {.data = NULL};
    const char *said = backend->said;
    if (said[0] == '\0') {
        text_append_string(&reason, "it does not answer");
    } else if (was_silent_for_long) {
        text_append_format(&reason, "it does not answer; the last that was said: %s", said);
    } else {
        text_append_string(&reason, said);
    }
    return refuse(error, EXIT_STATUS_UNAVAILABLE, backend->target->database, text_string(&reason));
}

static void note_read_only(struct postgres_backend *backend) {
    if (!backend->is_read_only) {
        backend->read_only_since_ms = 0;
    } else if (backend->read_only_since_ms == 0) {
        static const struct session_failure standby = {
            .message = "it is read-only (a standby, or default_transaction_read_only); nothing can "
                       "be run there, but what its ledger says counts"};
        backend->read_only_since_ms = clock_now_ms();
        connect_note(backend, &standby);
    }
}

enum session_result connect_and_learn(struct postgres_backend *backend, int64_t deadline_ms) {
    struct session *reader = &backend->reader;
    enum session_result result =
        reader->connection == NULL ? connect_reader(backend, deadline_ms) : SESSION_DONE;
    if (result != SESSION_DONE || backend->is_learned) {
        return result;
    }
    result = session_query(reader,
        "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean", NULL, 0,
        deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    backend->is_read_only = strcmp(session_value(reader, 0, 0), "t") == 0;
    backend->is_pooled = session_is_pooled(reader, deadline_ms);
    backend->is_learned = reader->connection != NULL;
    note_read_only(backend);
    return SESSION_DONE;
}

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
    struct postgres_backend *backend, struct error *error) {
    static const struct run none = {.state = RUN_NONE};
    const struct probe_context context = {.interrupt = backend->interrupt};
    AUTO_PREFLIGHT_FINDINGS struct preflight_run_findings findings = {.begun = "", .since = &none};
    struct session session;
    enum session_result result = preflight_run_judge(&backend->preflight_run, &context, &findings);
    if (result != SESSION_DONE || !findings.is_refused) {
        return result == SESSION_CANCELLED ? SEEN_CANCELLED : SEEN_DONE;
    }
    result = open_session(backend, NULL, &session, deadline_after_ms(ATTEMPT_MS));
    session_close(&session);
    if (result == SESSION_DONE || result == SESSION_CANCELLED) {
        return result == SESSION_CANCELLED ? SEEN_CANCELLED : SEEN_DONE;
    }
    preflight_run_say_obstacles(&findings);
    *error = findings.error;
    return SEEN_REFUSED;
}

/* Creates the database. Connects to `postgres`, never to `template1`: a session there makes
 * everybody's CREATE DATABASE fail. */
static enum observation create_database(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) {
    const struct database *database = backend->target->database;
    struct session session;
    AUTO_TEXT struct text statement = {.data = NULL};
    enum observation judged = judge_before_creating(backend, error);
    if (judged != SEEN_DONE) {
        return judged;
    }
    enum session_result result = open_session(backend, "postgres", &session, deadline_ms);
    if (result == SESSION_CANCELLED) {
        return SEEN_CANCELLED;
    }
    if (result == SESSION_TIMED_OUT) {
        return SEEN_DONE;
    }
    if (result != SESSION_DONE && trouble_may_pass(session.failure.trouble)) {
        connect_note(backend, &session.failure);
        return SEEN_DONE;
    }
    if (result != SESSION_DONE) {
        AUTO_TEXT struct text reason = {.data = NULL};
        text_append_format(&reason,
            "the database does not exist, and there is no way in to create it (%s): create it "
            "by hand",
            session.failure.message);
        return refuse(error, EXIT_STATUS_UNAVAILABLE, database, text_string(&reason));
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
    return refuse(error, EXIT_STATUS_UNAVAILABLE, database, text_string(&reason));
}

/* After a failed attempt: SEEN_DONE to try again. */
static enum observation after_failure(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) {
    const struct database *database = backend->target->database;
    const struct session_failure *failure = &backend->reader.failure;
    switch (failure->trouble) {
    case TROUBLE_FINAL:
        return refuse(error, EXIT_STATUS_CONFIGURATION, database, failure->message);
    case TROUBLE_MISSING_DATABASE:
        switch (backend->target->missing_database) {
        case MISSING_IS_CREATED:
            return create_database(backend, deadline_ms, error);
        case MISSING_IS_AN_ERROR:
            return refuse(error, EXIT_STATUS_CONFIGURATION, database,
                "the database does not exist, and no step would create it");
        case MISSING_IS_AWAITED:
            break;
        }
        break;
    case TROUBLE_NO_SLOT:
        if (backend->was_reached) {
            return connect_find_no_slot(backend, failure, error);
        }
        break;
    case TROUBLE_PASSING:
        break;
    }
    connect_note(backend, failure);
    return SEEN_DONE;
}

enum observation connect_patiently(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) {
    int64_t backoff_ms = SHORTEST_BACKOFF_MS;
    for (;;) {
        int64_t began_ms = clock_now_ms();
        bool has_time = deadline_later_ms(began_ms, ATTEMPT_MS) <= deadline_ms;
        enum session_result result =
            connect_reader(backend, deadline_earlier(deadline_ms, deadline_after_ms(ATTEMPT_MS)));
        if (result == SESSION_DONE) {
            backend->last_reason[0] = '\0';
            return SEEN_DONE;
        }
        if (result == SESSION_CANCELLED) {
            return SEEN_CANCELLED;
        }
        bool was_missing = false;
        int64_t longest_ms = LONGEST_BACKOFF_MS;
        if (result == SESSION_TIMED_OUT) {
            note_silence(backend, has_time);
        }
        if (result == SESSION_FAILED) {
            was_missing = backend->reader.failure.trouble == TROUBLE_MISSING_DATABASE;
            if (backend->reader.failure.trouble == TROUBLE_NO_SLOT) {
                int64_t share_ms = PAUSES_PER_REFUSAL * (clock_now_ms() - began_ms);
                longest_ms = LONGEST_CROWDED_MS;
                backoff_ms = deadline_earlier(
                    backoff_ms > share_ms ? backoff_ms : share_ms, LONGEST_CROWDED_MS);
            }
            enum observation next = after_failure(backend, deadline_ms, error);
            if (next != SEEN_DONE) {
                return next;
            }
        }
        if (deadline_passed(deadline_ms)) {
            return refuse_in_the_end(backend, result == SESSION_TIMED_OUT && has_time, error);
        }
        int64_t pause_ms =
            was_missing ? SHORTEST_BACKOFF_MS : random_jittered_ms(backoff_ms, random_number());
        if (interrupt_pause(
                backend->interrupt, deadline_earlier(deadline_ms, deadline_after_ms(pause_ms)))) {
            return SEEN_CANCELLED;
        }
        backoff_ms = deadline_earlier(backoff_ms * 2, longest_ms);
    }
}
