/*
 * Whom a step waits for: the sessions that hold, or wait in line for, the lock that one of its own
 * statements wants.
 */
#ifndef PREPARE_POSTGRES_LOCK_WAIT_H
#define PREPARE_POSTGRES_LOCK_WAIT_H

#include <stdint.h>

#include "prepare/postgres/fence.h"
#include "prepare/protocol/backend.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

/* Looks for this run's own statements on the session's server. Where one of them waits for longer
 * than *found says, it replaces that. Others' statements are shown without their literals. A server
 * that does not answer such a question is no failure. */
enum session_result lock_wait_find(const struct fence *fence, struct session *session,
    struct lock_wait *found, int64_t deadline_ms) MUST_USE;

#endif
