/*
 * What the end of a session's operation means for the protocol.
 */
#ifndef PREPARE_POSTGRES_FAILURE_POLICY_H
#define PREPARE_POSTGRES_FAILURE_POLICY_H

#include <stdbool.h>

#include "prepare/protocol/observation.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/postgres/session.h"

/* Whether the failure says that the connection or the server is in trouble, rather than that the
 * statement is refused: no answer of the server's, class 08 (connection), 53 (resources), 57
 * (operator intervention), 25P0x (the transaction was ended), a database that is gone. */
bool failure_policy_is_gone(const struct session_failure *failure);

/* Whether another transaction was in the way (class 40), so that the same may succeed when it is
 * tried again. Above READ COMMITTED it is so where a waiter counts itself while the runner records.
 */
bool failure_policy_is_conflict(const struct session_failure *failure);

/* DONE, CANCELLED, GONE or REFUSED; the error is filled for the last two. */
enum observation failure_policy_decide(enum session_result result,
    const struct session_failure *failure, struct error *error) MUST_USE;

#endif
