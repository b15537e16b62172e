/*
 * The schema that the application's tables are in.
 */
#ifndef PREPARE_SCHEMA_H
#define PREPARE_SCHEMA_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

/* One row: current_database() and current_schema() as a session of the application has them, the
 * second "" where no schema of the path exists. `search_path` is its schema_search_path, or NULL.
 */
enum session_result schema_find(
    struct session *session, const char *search_path, int64_t deadline_ms) MUST_USE;

#endif
