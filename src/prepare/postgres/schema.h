/*
 * The schema that the application's tables are in, and the ledger's.
 */
#ifndef PREPARE_POSTGRES_SCHEMA_H
#define PREPARE_POSTGRES_SCHEMA_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

/* One row: current_database(); the schema that the ledger is in, or would be made in; and
 * current_schema() as a session of the application has it. The ledger is found along the whole
 * path, as Rails finds its own tables. "" where no schema of the path exists. `search_path` is the
 * application's schema_search_path, or NULL. */
enum session_result schema_find(
    struct session *session, const char *search_path, int64_t deadline_ms) MUST_USE;

#endif
