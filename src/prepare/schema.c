/*
 * Where the application's schema_search_path leads. The trap is a setting of the session: through a
 * transaction pooler it would reach somebody else's, so it lasts for this one statement only.
 */
#include "prepare/schema.h"

#include <stddef.h>

enum session_result schema_find(
    struct session *session, const char *search_path, int64_t deadline_ms) {
    const char *parameters[] = {search_path};
    if (search_path == NULL) {
        return session_query(
            session, "SELECT current_database(), current_schema()", NULL, 0, deadline_ms);
    }
    /* What is behind WITH is carried out before the list in front of it is evaluated. */
    return session_query(session,
        "WITH app AS (SELECT set_config('search_path', $1, true))"
        " SELECT current_database(), current_schema() FROM app",
        parameters, 1, deadline_ms);
}
