/*
 * Reaching the database: connecting with patience, and creating it on a first boot.
 */
#ifndef PREPARE_CONNECT_H
#define PREPARE_CONNECT_H

#include <stdint.h>

#include "prepare/coordinator.h"
#include "prepare/postgres_coordinator.h"

/* One attempt to open a session to the target's database. */
enum session_result connect_once(const struct postgres_coordinator *coordinator,
    struct session *session, int64_t deadline_ms) MUST_USE;

/* Opens the reader, trying again with backoff while the trouble may pass, until the deadline. Each
 * new reason is reported once. A missing database is created where a step would create it. */
enum coordination connect_patiently(
    struct postgres_coordinator *coordinator, int64_t deadline_ms, struct error *error) MUST_USE;

#endif
