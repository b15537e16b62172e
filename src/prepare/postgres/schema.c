/*
 * Where the application's schema_search_path leads. Through a transaction pooler a setting would
 * reach another client's session, so it lasts for one statement only. A schema at the front of the
 * path may be made by the first run; the ledger of that run would be lost if only the first schema
 * of the path were searched.
 */
#include "prepare/postgres/schema.h"

#include <stddef.h>

/* What is behind WITH is carried out before the path that is read from it. */
#define QUESTION                                                                                   \
    ", path AS (SELECT current_schemas(false) AS schemas FROM app)"                                \
    " SELECT current_database(), coalesce((SELECT nspname FROM path JOIN pg_namespace AS spaces"   \
    " ON nspname = ANY (schemas) JOIN pg_class ON relnamespace = spaces.oid"                       \
    " WHERE relname = 'signalbox_runs' ORDER BY array_position(schemas, nspname) LIMIT 1),"        \
    " (SELECT schemas[1] FROM path)), (SELECT schemas[1] FROM path)"

enum session_result schema_find(
    struct session *session, const char *search_path, int64_t deadline_ms) {
    const char *parameters[] = {search_path};
    return search_path == NULL
        ? session_query(session, "WITH app AS (SELECT 1)" QUESTION, NULL, 0, deadline_ms)
        : session_query(session,
              "WITH app AS (SELECT set_config('search_path', $1, true))" QUESTION, parameters, 1,
              deadline_ms);
}
