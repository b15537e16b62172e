/*
 * A session over libpq's asynchronous calls.
 * The trap: PQconnectPoll may change the socket between two calls (several addresses, TLS retried
 * without), so the socket is read again before every poll.
 */
#include "signalbox/postgres/session.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres/failure.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/string.h"

int session_fd(const struct session *session) {
    if (session->connection == NULL) {
        return session->asking.process == 0 ? -1 : session->asking.reply_fd;
    }
    return PQsocket(session->connection);
}

/* Waits for the connection's socket; SESSION_DONE when it is ready. */
static enum session_result wait_for_socket(
    const struct session *session, short events, int64_t deadline_ms) {
    for (;;) {
        struct pollfd descriptors[2] = {
            {.fd = session_fd(session), .events = events},
            {.fd = session->interrupt == NULL ? -1 : session->interrupt->fd, .events = POLLIN},
        };
        int ready = poll(descriptors, 2, deadline_poll_timeout_ms(deadline_ms));
        if (ready > 0 && session->interrupt != NULL && descriptors[1].revents != 0 &&
            session->interrupt->cancelled(session->interrupt->argument)) {
            return SESSION_CANCELLED;
        }
        if (ready > 0 && descriptors[0].revents != 0) {
            return SESSION_DONE;
        }
        if (deadline_passed(deadline_ms)) {
            return SESSION_TIMED_OUT;
        }
    }
}

/* libpq would print the server's notices itself. */
static void ignore_notice(void *argument, const char *message) {
    (void)argument;
    (void)message;
}

static void drop_result(struct session *session) {
    PQclear(session->result);
    session->result = NULL;
}

static enum session_result connect_failed(struct session *session) {
    failure_of_connecting(
        PQerrorMessage(session->connection), session->password, &session->failure);
    if (session->asking.process != 0) {
        failure_allow_another_password(&session->failure);
    }
    return SESSION_FAILED;
}

/* Once the connection stands, or cannot be made, nobody needs it any more. */
static void forget_password(struct session *session) {
    if (session->asking.process != 0) {
        session->password = NULL;
        password_asking_end(&session->asking);
    }
    free(session->conninfo);
    session->conninfo = NULL;
}

static enum session_result connect_start(struct session *session, const char *conninfo) {
    session->events = POLLOUT;
    session->connection = PQconnectStart(conninfo);
    if (session->connection == NULL) {
        failure_of_connecting("out of memory", NULL, &session->failure);
        return SESSION_FAILED;
    }
    /* A failed connect has no SQLSTATE of its own in libpq; verbose messages carry it as text. */
    (void)PQsetErrorVerbosity(session->connection, PQERRORS_VERBOSE);
    (void)PQsetNoticeProcessor(session->connection, ignore_notice, NULL);
    return PQstatus(session->connection) == CONNECTION_BAD ? connect_failed(session)
                                                           : SESSION_PENDING;
}

static enum session_result connect_with(struct session *session, const char *password) {
    struct text conninfo = {.data = NULL};
    session->password = password;
    if (session->learn != NULL) {
        session->learn(session->argument, password);
    }
    /* Room for all of it at once, each byte escaped, so that no copy is left behind. */
    text_reserve(&conninfo, strlen(session->conninfo) + 2 * strlen(password) + 32);
    text_append_string(&conninfo, session->conninfo);
    session_append_setting(&conninfo, "password", password);
    enum session_result result = connect_start(session, text_string(&conninfo));
    text_wipe(&conninfo);
    return result;
}

static enum session_result advance_asking(struct session *session) {
    const char *answer = NULL;
    enum password_result result = password_asking_advance(&session->asking, &answer);
    switch (result) {
    case PASSWORD_PENDING:
        return SESSION_PENDING;
    case PASSWORD_KNOWN:
        return connect_with(session, answer);
    case PASSWORD_UNAVAILABLE:
    case PASSWORD_IMPOSSIBLE:
        failure_of_password(answer, result == PASSWORD_IMPOSSIBLE ? TROUBLE_FINAL : TROUBLE_PASSING,
            &session->failure);
        break;
    }
    return SESSION_FAILED;
}

static enum session_result advance_connecting(struct session *session) {
    /* libpq says that the first wait is for writing. */
    PostgresPollingStatusType wanted = PQconnectPoll(session->connection);
    switch (wanted) {
    case PGRES_POLLING_OK:
        if (PQsetnonblocking(session->connection, 1) == 0) {
            return SESSION_DONE;
        }
        break;
    case PGRES_POLLING_READING:
        session->events = POLLIN;
        return SESSION_PENDING;
    case PGRES_POLLING_WRITING:
    case PGRES_POLLING_ACTIVE:
        session->events = POLLOUT;
        return SESSION_PENDING;
    case PGRES_POLLING_FAILED:
        break;
    }
    return connect_failed(session);
}

enum session_result session_open_advance(struct session *session) {
    enum session_result result =
        session->connection == NULL ? advance_asking(session) : advance_connecting(session);
    if (result != SESSION_PENDING) {
        forget_password(session);
    }
    return result;
}

enum session_result session_open_start(
    struct session *session, const struct session_request *request) {
    const struct password_question *question = request->question;
    *session = (struct session){.interrupt = request->interrupt, .password = request->password};
    if (question == NULL) {
        return connect_start(session, request->conninfo);
    }
    if (!password_asking_start(question, &session->asking)) {
        failure_of_password("cannot be started", TROUBLE_PASSING, &session->failure);
        return SESSION_FAILED;
    }
    session->events = POLLIN;
    session->conninfo = string_copy(request->conninfo);
    session->learn = question->learn;
    session->argument = question->argument;
    return SESSION_PENDING;
}

enum session_result session_open(
    struct session *session, const struct session_request *request, int64_t deadline_ms) {
    enum session_result result = session_open_start(session, request);
    while (result == SESSION_PENDING) {
        result = wait_for_socket(session, session->events, deadline_ms);
        if (result == SESSION_DONE) {
            result = session_open_advance(session);
        }
    }
    if (result == SESSION_TIMED_OUT && session->connection == NULL) {
        failure_of_password("has not answered yet", TROUBLE_PASSING, &session->failure);
    } else if (result == SESSION_TIMED_OUT) {
        failure_of_silence(&session->failure);
    }
    if (result != SESSION_DONE) {
        session_close(session);
    }
    return result;
}

enum session_result session_fail(struct session *session, const char *message) {
    failure_of_ours(message, &session->failure);
    return SESSION_FAILED;
}

static enum session_result statement_failed(struct session *session) {
    const char *sqlstate =
        session->result == NULL ? NULL : PQresultErrorField(session->result, PG_DIAG_SQLSTATE);
    const char *message = session->result == NULL
        ? NULL
        : PQresultErrorField(session->result, PG_DIAG_MESSAGE_PRIMARY);
    failure_of_statement(sqlstate, message == NULL ? PQerrorMessage(session->connection) : message,
        session->password, &session->failure);
    return SESSION_FAILED;
}

/* The last result counts, unless it only tells that the connection broke: the words before it say
 * why. */
static void keep_result(struct session *session, PGresult *next) {
    bool says_why = PQresultErrorField(session->result, PG_DIAG_SQLSTATE) != NULL;
    if (says_why && PQresultErrorField(next, PG_DIAG_SQLSTATE) == NULL) {
        PQclear(next);
        return;
    }
    drop_result(session);
    session->result = next;
}

enum session_result session_advance(struct session *session) {
    int flushed = PQflush(session->connection);
    bool is_broken = PQconsumeInput(session->connection) == 0 || flushed < 0;
    /* What the server said before it closed is still to be read. */
    if (is_broken && PQisBusy(session->connection) != 0) {
        drop_result(session);
        return statement_failed(session);
    }
    session->events = (short)(flushed == 1 ? POLLIN | POLLOUT : POLLIN);
    while (PQisBusy(session->connection) == 0) {
        PGresult *next = PQgetResult(session->connection);
        if (next == NULL) {
            ExecStatusType status = PQresultStatus(session->result);
            return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK
                ? SESSION_DONE
                : statement_failed(session);
        }
        keep_result(session, next);
    }
    return SESSION_PENDING;
}

enum session_result session_send(struct session *session, const char *statement) {
    drop_result(session);
    if (session->connection == NULL || PQsendQuery(session->connection, statement) == 0 ||
        PQflush(session->connection) < 0) {
        return statement_failed(session);
    }
    return SESSION_DONE;
}

/* Without parameters the simple protocol is used. With them the server keeps an unnamed portal open
 * until the next statement, and in a transaction that portal holds a snapshot. */
static int send_statement(struct session *session, const char *statement,
    const char *const *parameters, int parameter_count) {
    return parameter_count == 0 ? PQsendQuery(session->connection, statement)
                                : PQsendQueryParams(session->connection, statement, parameter_count,
                                      NULL, parameters, NULL, NULL, 0);
}

enum session_result session_query_start(struct session *session, const char *statement,
    const char *const *parameters, int parameter_count) {
    drop_result(session);
    if (session->connection == NULL ||
        send_statement(session, statement, parameters, parameter_count) == 0) {
        return statement_failed(session);
    }
    session->events = POLLIN | POLLOUT;
    return SESSION_PENDING;
}

enum session_result session_query(struct session *session, const char *statement,
    const char *const *parameters, int parameter_count, int64_t deadline_ms) {
    enum session_result result =
        session_query_start(session, statement, parameters, parameter_count);
    while (result == SESSION_PENDING) {
        result = session_advance(session);
        if (result == SESSION_PENDING) {
            enum session_result waited = wait_for_socket(session, session->events, deadline_ms);
            result = waited == SESSION_DONE ? SESSION_PENDING : waited;
        }
    }
    if (result == SESSION_TIMED_OUT) {
        failure_of_silence(&session->failure);
    }
    if (result == SESSION_TIMED_OUT || result == SESSION_CANCELLED) {
        /* The answer to an abandoned statement would be taken for the next one's. */
        session_close(session);
    }
    return result;
}

bool session_knows_keyword(const char *keyword) {
    PQconninfoOption *known = PQconndefaults();
    bool is_known = false;
    for (const PQconninfoOption *at = known; at != NULL && at->keyword != NULL; at++) {
        is_known = is_known || strcmp(at->keyword, keyword) == 0;
    }
    PQconninfoFree(known);
    return is_known;
}

char *session_default_name(const char *service) {
    /* libpq reads a service's file for its defaults only where the variable names it. */
    AUTO_FREE char *before = getenv("PGSERVICE") == NULL ? NULL : string_copy(getenv("PGSERVICE"));
    char *name = NULL;
    if (service != NULL) {
        (void)setenv("PGSERVICE", service, 1);
    }
    PQconninfoOption *known = PQconndefaults();
    for (const PQconninfoOption *at = known; at != NULL && at->keyword != NULL; at++) {
        if (strcmp(at->keyword, "dbname") == 0 && at->val != NULL && at->val[0] != '\0') {
            name = string_copy(at->val);
        }
    }
    PQconninfoFree(known);
    if (service != NULL && before == NULL) {
        (void)unsetenv("PGSERVICE");
    } else if (service != NULL) {
        (void)setenv("PGSERVICE", before, 1);
    }
    return name;
}

bool session_is_lost(struct session *session) {
    return session->connection == NULL || PQconsumeInput(session->connection) == 0 ||
        PQstatus(session->connection) == CONNECTION_BAD;
}

bool session_is_pooled(struct session *session, int64_t deadline_ms) {
    char own[16];
    (void)snprintf(own, sizeof own, "%d", PQbackendPID(session->connection));
    return session_query(session, "SELECT pg_backend_pid()", NULL, 0, deadline_ms) ==
        SESSION_DONE &&
        strcmp(session_value(session, 0, 0), own) != 0;
}

bool session_in_transaction(const struct session *session) {
    return PQtransactionStatus(session->connection) == PQTRANS_INTRANS;
}

int session_row_count(const struct session *session) {
    return PQntuples(session->result);
}

const char *session_value(const struct session *session, int row, int column) {
    return PQgetvalue(session->result, row, column);
}

char *session_quote_identifier(const struct session *session, const char *identifier) {
    char *quoted = PQescapeIdentifier(session->connection, identifier, strlen(identifier));
    char *copy = quoted == NULL ? NULL : string_copy(quoted);
    PQfreemem(quoted);
    return copy;
}

void session_append_setting(struct text *conninfo, const char *keyword, const char *value) {
    if (value == NULL) {
        return;
    }
    text_append_format(conninfo, "%s='", keyword);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            text_append_string(conninfo, "\\");
        }
        text_append(conninfo, value, 1);
    }
    text_append_string(conninfo, "' ");
}

void session_close(struct session *session) {
    drop_result(session);
    forget_password(session);
    PQfinish(session->connection);
    session->connection = NULL;
}
