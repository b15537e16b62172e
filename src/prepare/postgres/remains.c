/*
 * The question. An index that is being built is invalid as well: whoever builds it has its table
 * locked meanwhile. That of a partitioned table (relkind I) may be invalid and still be meant.
 */
#include "prepare/postgres/remains.h"

#include <string.h>

#include "prepare/postgres/link.h"
#include "signalbox/postgres/session.h"
#include "signalbox/report/report.h"

static const char question[] =
    "SELECT format('%I.%I', nspname, relname), indrelid::regclass FROM pg_index"
    " JOIN pg_class AS relation ON relation.oid = indexrelid"
    " JOIN pg_namespace AS spaces ON spaces.oid = relnamespace"
    " WHERE NOT indisvalid AND relkind = 'i' AND nspname NOT LIKE 'pg\\_%'"
    " AND NOT EXISTS (SELECT FROM pg_locks WHERE pg_locks.relation = indrelid"
    " AND mode = 'ShareUpdateExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    " ORDER BY 1 LIMIT 20";

static void name_in(const struct database *database, struct session *session, struct text *said) {
    for (int row = 0; row < session_row_count(session); row++) {
        AUTO_TEXT struct text line = {.data = NULL};
        const char *index = session_value(session, row, 0);
        text_append_format(&line, "%s %s\n", database->role, index);
        if (strstr(text_string(said), text_string(&line)) != NULL) {
            continue;
        }
        text_append_string(said, text_string(&line));
        report(EVENT_INDEX_INVALID, NULL,
            "the index %s of %s in the database %s (%s) is invalid, as a failed CREATE INDEX "
            "CONCURRENTLY leaves it; before the migration can make it, remove it: DROP INDEX "
            "CONCURRENTLY %s",
            index, session_value(session, row, 1), database->name, database->role, index);
    }
}

void remains_name(const struct databases *databases, const struct interrupt *interrupt,
    struct text *said, int64_t deadline_ms) {
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        struct session session;
        if (!database_is_postgres(database) || database->is_for_lock_only) {
            continue;
        }
        if (link_open_database(database, NULL, interrupt, &session, deadline_ms) == SESSION_DONE &&
            session_query(&session, question, NULL, 0, deadline_ms) == SESSION_DONE) {
            name_in(database, &session, said);
        }
        session_close(&session);
    }
}
