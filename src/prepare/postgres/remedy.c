/*
 * Remedies by the code of the refusal. A GRANT is named only where a GRANT helps: a missing right
 * is only one of the possible causes.
 */
#include "prepare/postgres/remedy.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

#include <string.h>

static void append_role(const struct remedy_circumstances *circumstances, struct text *text) {
    if (circumstances->user != NULL) {
        text_append_format(text, "\"%s\"", circumstances->user);
    } else {
        text_append_string(text, "its role");
    }
}

static const char *table_of(const struct remedy_circumstances *circumstances) {
    const char *table = circumstances->ledger->table;
    return table == NULL ? "signalbox_runs" : table;
}

static void append_right(const struct session_failure *failure,
    const struct remedy_circumstances *circumstances, struct text *text) {
    const struct ledger *ledger = circumstances->ledger;
    if (string_has_prefix(failure->message, "must be owner")) {
        text_append_format(text, "ALTER TABLE %s OWNER TO ", table_of(circumstances));
    } else if (ledger->table != NULL && circumstances->is_ledger_there) {
        text_append_format(
            text, "GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ", table_of(circumstances));
    } else {
        text_append_format(text, "GRANT USAGE, CREATE ON SCHEMA %s TO ",
            ledger->schema == NULL ? "public" : ledger->schema);
    }
    append_role(circumstances, text);
}

static void append_schema(const struct remedy_circumstances *circumstances, struct text *text) {
    const char *path = circumstances->ledger->search_path;
    if (path == NULL) {
        text_append_string(text, "a schema on the role's search_path (CREATE SCHEMA public)");
    } else {
        text_append_format(text, "CREATE SCHEMA for one of `%s`, the schema_search_path", path);
    }
}

static void append_new_table(const struct remedy_circumstances *circumstances, struct text *text) {
    text_append_format(text,
        "%s differs from what this version makes: a newer version made it, or it was changed; DROP "
        "it, and it is made again (it holds only the record of runs)",
        table_of(circumstances));
}

enum need { NEEDS_RIGHT, NEEDS_SCHEMA, NEEDS_NEW_TABLE, NEEDS_TIME, NEEDS_WRITABLE, NEEDS_TRIGGER };

void remedy_append(const struct session_failure *failure,
    const struct remedy_circumstances *circumstances, struct text *text) {
    static const struct {
        const char *code; /* The beginning of the SQLSTATE. */
        enum need need;
    } rows[] = {
        {"42501", NEEDS_RIGHT}, {"3F000", NEEDS_SCHEMA}, {"55P03", NEEDS_TIME},
        {"25006", NEEDS_WRITABLE}, {"P0", NEEDS_TRIGGER}, /* RAISE in somebody's function. */
        {"42", NEEDS_NEW_TABLE}, /* A column that is not there, or of another type; no table. */
        {"22", NEEDS_NEW_TABLE}, /* A value that a column's type does not hold. */
        {"23", NEEDS_NEW_TABLE}, /* A column that must not be NULL, and that we do not know. */
    };
    size_t row = 0;
    if (failure->origin == FAILURE_OF_OURS) {
        append_schema(circumstances, text);
        return;
    }
    while (row < ARRAY_LENGTH(rows) && !string_has_prefix(failure->sqlstate, rows[row].code)) {
        row++;
    }
    if (row == ARRAY_LENGTH(rows)) {
        text_append_string(text, "nothing that is known here");
        return;
    }
    switch (rows[row].need) {
    case NEEDS_RIGHT:
        append_right(failure, circumstances, text);
        break;
    case NEEDS_SCHEMA:
        append_schema(circumstances, text);
        break;
    case NEEDS_NEW_TABLE:
        append_new_table(circumstances, text);
        break;
    case NEEDS_TIME:
        text_append_format(
            text, "nothing: %s is locked, and the next start tries again", table_of(circumstances));
        break;
    case NEEDS_WRITABLE:
        text_append_string(text, "a database that can be written to");
        break;
    case NEEDS_TRIGGER:
        text_append_format(text, "a trigger that lets %s through", table_of(circumstances));
        break;
    }
}
