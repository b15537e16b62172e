/*
 * One connection to PostgreSQL, asynchronous throughout: every wait is one poll(2) with a deadline
 * that a signal ends at once. The only thing that blocks is the name resolver inside libpq. Nothing
 * else in Signalbox includes libpq-fe.h. Only for the preparer and other children, never PID 1.
 */
#ifndef SIGNALBOX_POSTGRES_SESSION_H
#define SIGNALBOX_POSTGRES_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/password_asking.h"
#include "signalbox/process/interrupt.h"

enum session_result {
    SESSION_DONE,
    SESSION_PENDING,   /* Only from what is done in two halves. */
    SESSION_FAILED,    /* `failure` says what and of which kind. */
    SESSION_TIMED_OUT, /* `failure` says that, too. */
    SESSION_CANCELLED
};

enum session_trouble {
    TROUBLE_PASSING,          /* Starting up, refused, name not resolving: try again. */
    TROUBLE_NO_SLOT,          /* 53300 and its like: alive, but all connections are taken. */
    TROUBLE_MISSING_DATABASE, /* 3D000. */
    TROUBLE_FINAL             /* Wrong password, unknown role, certificate: trying again is vain. */
};

/* Whether trying again may help. */
static inline bool trouble_may_pass(enum session_trouble trouble) {
    return trouble == TROUBLE_PASSING || trouble == TROUBLE_NO_SLOT;
}

/* Who says so. */
enum failure_origin {
    FAILURE_OF_LINK,   /* No connection was made, or it broke: libpq's own words, or silence. */
    FAILURE_OF_SERVER, /* The server or a pooler, with a code. */
    FAILURE_OF_OURS    /* We ourselves, over a connection that is sound: it is always final. */
};

struct session_failure {
    enum failure_origin origin;
    enum session_trouble trouble;
    bool is_of_password; /* The program that is asked for it gives none. */
    char sqlstate[6];    /* Empty unless the server says so. */
    char message[480];   /* One line without any password. */
};

struct session {
    struct pg_conn *connection; /* NULL while closed. */
    struct pg_result *result;
    const struct interrupt *interrupt;
    const char *password; /* To keep out of messages; belongs to the caller of session_open. */
    short events;         /* For poll(2), while something is pending. */
    struct password_asking asking; /* Until the password is known, and then until it is used. */
    char *conninfo;                /* For then, without the password; or NULL. */
    void (*learn)(void *argument, const char *password); /* As in the question. */
    void *argument;
    struct session_failure failure;
};

struct session_request {
    const char *conninfo; /* A text for libpq's own parser, which refuses what is no keyword. */
    const char *password; /* What is in it of a password, to keep out of messages; or NULL. */
    const struct password_question *question; /* Asked first, in place of a password; or NULL. */
    const struct interrupt *interrupt;        /* Or NULL. */
};

/* Before the first connection of the process: lets libpq find the image's certificates wherever the
 * distribution keeps them, and keeps a system's openssl.cnf from breaking TLS. Changes the
 * environment of this process and so must not be called where a command is started. */
void session_find_certificates(void);

/* Connects. Where a program is asked for the password, the time that this takes counts, and a wrong
 * password passes, since the next one is another. */
enum session_result session_open(
    struct session *session, const struct session_request *request, int64_t deadline_ms) MUST_USE;

/* Appends `keyword='value' ` for libpq's own parser; nothing where the value is NULL. */
void session_append_setting(struct text *conninfo, const char *keyword, const char *value);

/* Whether libpq itself has this keyword, for connecting; ActiveRecord hands no others to it. */
bool session_knows_keyword(const char *keyword);

/* The database's name that libpq itself knows where the settings say none, in memory that the
 * caller frees: from the service file, for `service` or $PGSERVICE, or from $PGDATABASE. NULL where
 * there is none. Reads a file. */
char *session_default_name(const char *service);

/* Runs one statement with text parameters and keeps its rows until the next one. In a transaction
 * that stays open, use no parameters: with them the backend keeps a snapshot until its next
 * statement, and every CREATE INDEX CONCURRENTLY in the database waits for that. */
enum session_result session_query(struct session *session, const char *statement,
    const char *const *parameters, int parameter_count, int64_t deadline_ms) MUST_USE;

/* A statement in two halves, for a caller with a poll loop of its own: after session_send, advance
 * whenever the descriptor is readable, until the result is not SESSION_PENDING. */
enum session_result session_send(struct session *session, const char *statement) MUST_USE;
enum session_result session_advance(struct session *session) MUST_USE;

/* Connecting and asking in two halves, for a caller that has several sessions in one poll loop:
 * while the result is SESSION_PENDING, wait for session->events on session_fd, which may change,
 * and go on with session_open_advance, or session_advance. Nothing is closed where it fails. */
enum session_result session_open_start(
    struct session *session, const struct session_request *request) MUST_USE;
enum session_result session_open_advance(struct session *session) MUST_USE;
enum session_result session_query_start(struct session *session, const char *statement,
    const char *const *parameters, int parameter_count) MUST_USE;
int session_fd(const struct session *session);

/* Fails what was asked for a reason of ours, such as an answer that we cannot go on with. Returns
 * SESSION_FAILED. */
enum session_result session_fail(struct session *session, const char *message);

/* Whether the server has closed the connection; reads what is there, so that over TCP, where no
 * POLLHUP comes, a close is seen. */
bool session_is_lost(struct session *session);

/* Whether a pooler stands between: it gives its clients process numbers of its own. Asks the server
 * once; false where that fails. */
bool session_is_pooled(struct session *session, int64_t deadline_ms);

/* Whether the server said, with its last answer, that a transaction is open and sound. */
bool session_in_transaction(const struct session *session);

int session_row_count(const struct session *session);
/* The text of a field, "" for NULL; valid until the next statement. */
const char *session_value(const struct session *session, int row, int column);

/* An identifier quoted for SQL in memory that the caller frees, or NULL. */
char *session_quote_identifier(const struct session *session, const char *identifier);

void session_close(struct session *session);

#endif
