/*
 * The way to the first database: its session, which looks and records, what is known of the server
 * at its other end, and since when there is trouble with it and why.
 */
#ifndef PREPARE_POSTGRES_LINK_H
#define PREPARE_POSTGRES_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/observation.h"
#include "signalbox/base/error.h"
#include "signalbox/database/database.h"
#include "signalbox/postgres/session.h"
#include "signalbox/process/interrupt.h"

struct link {
    const struct database *database;
    const struct interrupt *interrupt; /* NULL while only the clock counts. */
    int64_t connect_timeout_ms;
    struct session session; /* Closed while this replica rests. */
    bool was_reached;       /* Once at least. */
    bool is_learned;        /* What follows is known of this session. */
    bool is_pooled;
    bool is_read_only;
    int64_t read_only_since_ms; /* 0 while the server can be written to. */
    int64_t trouble_since_ms;   /* 0 while the server answers. */
    char said[480];        /* The last that the server or libpq said while in trouble, or empty. */
    char last_reason[480]; /* Why the database was not reached, reported once. */
};

/* A server that accepts and never answers is not waited for longer in one attempt. */
enum { LINK_ATTEMPT_MS = 10000 };

/* One attempt to open a session to `database`, or to the database `name` of the same server;
 * `name` and `interrupt` may be NULL. */
enum session_result link_open_database(const struct database *database, const char *name,
    const struct interrupt *interrupt, struct session *session, int64_t deadline_ms) MUST_USE;

/* One attempt to open another session to the link's database. */
enum session_result link_open_another(
    const struct link *link, struct session *session, int64_t deadline_ms) MUST_USE;

/* Opens the session where a waiter had hung up, and learns what is at its other end: a pooler, a
 * server that is read-only (said once). */
enum session_result link_learn(struct link *link, int64_t deadline_ms) MUST_USE;

/* For a replica that runs: opens the session if it is closed, and while there is no slot for it
 * tries again until the deadline. Waiters do not insist like that. */
enum session_result link_insist(struct link *link, int64_t deadline_ms) MUST_USE;

/* Whether `count` connections more can be had at once; they are closed again. */
bool link_has_room(const struct link *link, int count, int64_t deadline_ms);

/* Opens the session, trying again with backoff while the trouble may pass, until the deadline. Each
 * new reason is reported once. SEEN_REFUSED with link_is_missing where the database does not exist:
 * the error is not filled then. SEEN_CROWDED at once where the database was reached before and has
 * no slot now: it is there. */
enum observation link_connect(struct link *link, int64_t deadline_ms, struct error *error) MUST_USE;

/* Whether the last attempt found that the database does not exist. */
bool link_is_missing(const struct link *link);

/* Before one more attempt: waits `pause_ms`, but not beyond the deadline. SEEN_DONE,
 * SEEN_CANCELLED, or SEEN_REFUSED once the deadline has passed: then the error names the last thing
 * that was said.
 */
enum observation link_pause(
    struct link *link, int64_t pause_ms, int64_t deadline_ms, struct error *error) MUST_USE;

/* Says, once for each reason, why the database cannot be had just now. */
void link_note(struct link *link, const struct session_failure *failure);

/* The same, where that is because all connections are taken: SEEN_CROWDED, with the error filled.
 */
enum observation link_find_no_slot(
    struct link *link, const struct session_failure *failure, struct error *error) MUST_USE;

/* Fills the error with the database, where its address comes from, and the reason. */
enum observation link_refuse(
    const struct link *link, int exit_status, const char *reason, struct error *error) MUST_USE;

/* What the end of an operation of `session` means (failure_policy.h), and notes since when there is
 * trouble, or that there is none. */
enum observation link_judge(struct link *link, enum session_result result,
    const struct session *session, struct error *error) MUST_USE;

#endif
