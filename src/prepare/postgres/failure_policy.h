/*
 * What the end of a session's operation means for the protocol.
 */
#ifndef PREPARE_POSTGRES_FAILURE_POLICY_H
#define PREPARE_POSTGRES_FAILURE_POLICY_H

#include <stdbool.h>

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* Whether the failure says that the connection or the server is in trouble, rather than that the
 * statement is refused: no answer of the server's, class 08 (connection), 53 (resources), 57
 * (operator intervention), 25P0x (the transaction was ended), a database that is gone. */
bool failure_policy_is_gone(const struct session_failure *failure);

/* Remembers since when the server is in trouble, and what it said last. The error is filled where
 * it is refused, and where the connection is gone. */
enum observation failure_policy_session(struct postgres_backend *backend,
    enum session_result result, const struct session *session, struct error *error) MUST_USE;

#endif
