/*
 * Reaching the database: connecting with patience, and creating it on a first boot.
 */
#ifndef PREPARE_POSTGRES_CONNECT_H
#define PREPARE_POSTGRES_CONNECT_H

#include <stdint.h>

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* One attempt to open a session to the target's database. */
enum session_result connect_once(
    const struct postgres_backend *backend, struct session *session, int64_t deadline_ms) MUST_USE;

/* The same for the reader, of which nothing is known then. */
enum session_result connect_reader(struct postgres_backend *backend, int64_t deadline_ms) MUST_USE;

/* Opens the reader where a waiter had hung up, and learns what is at its other end: a pooler, a
 * server that is read-only (said once). */
enum session_result connect_and_learn(
    struct postgres_backend *backend, int64_t deadline_ms) MUST_USE;

/* For whoever runs: opens the reader if it is closed, and while there is no slot for it tries again
 * until the deadline. Waiters do not insist like that. */
enum session_result connect_reader_patiently(
    struct postgres_backend *backend, int64_t deadline_ms) MUST_USE;

/* Whether `count` connections more are to be had at once; they are closed again. */
bool connect_has_room(const struct postgres_backend *backend, int count, int64_t deadline_ms);

/* Says, once for each reason, why the database is not to be had just now. */
void connect_note(struct postgres_backend *backend, const struct session_failure *failure);

/* The same, where that is because all connections are taken: SEEN_CROWDED, with the error
 * filled. */
enum observation connect_find_no_slot(struct postgres_backend *backend,
    const struct session_failure *failure, struct error *error) MUST_USE;

/* Opens the reader, trying again with backoff while the trouble may pass, until the deadline. Each
 * new reason is reported once. A missing database is created where a step would create it. One
 * that was reached before and has no slot now is SEEN_CROWDED at once: it is there. */
enum observation connect_patiently(
    struct postgres_backend *backend, int64_t deadline_ms, struct error *error) MUST_USE;

#endif
