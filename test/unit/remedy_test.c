/*
 * What each refusal of the ledger needs.
 */
#include "unit.h"

#include <string.h>

#include "prepare/postgres/remedy.h"
#include "signalbox/base/text.h"

static void each_refusal_needs_something_of_its_own(void **state) {
    (void)state;
    static const struct {
        const char *sqlstate;
        const char *message;
        bool is_there;
        const char *remedy; /* A part of it. */
    } rows[] = {
        {"42501", "permission denied for schema depot", false,
            "GRANT USAGE, CREATE ON SCHEMA \"depot\" TO \"shop\""},
        {"42501", "permission denied for table signalbox_runs", true,
            "GRANT SELECT, INSERT, UPDATE, DELETE ON \"depot\".signalbox_runs TO \"shop\""},
        {"42501", "must be owner of table signalbox_runs", true,
            "ALTER TABLE \"depot\".signalbox_runs OWNER TO \"shop\""},
        {"42703", "column \"state\" does not exist", true, "DROP it"},
        {"42804", "column \"exit_status\" is of type text", true, "DROP it"},
        {"42809", "\"signalbox_runs\" is not a table", true, "DROP it"},
        {"23502", "null value in column \"new\" violates not-null constraint", true, "DROP it"},
        {"3F000", "no schema has been selected to create in", false, "CREATE SCHEMA"},
        {"55P03", "canceling statement due to lock timeout", true, "the next start tries again"},
        {"25006", "cannot execute CREATE TABLE in a read-only transaction", false, "written to"},
        {"P0001", "no tables without an owner", false, "trigger"},
        {"0A000", "not supported here", false, "nothing that is known here"},
    };
    char schema[] = "\"depot\"";
    char table[] = "\"depot\".signalbox_runs";
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text text = {.data = NULL};
        const struct ledger ledger = {.schema = schema, .table = table, .search_path = "depot"};
        const struct remedy_circumstances circumstances = {
            .ledger = &ledger, .is_ledger_there = rows[i].is_there, .user = "shop"};
        struct session_failure failure = {.origin = FAILURE_OF_SERVER};
        memcpy(failure.sqlstate, rows[i].sqlstate, 5);
        (void)snprintf(failure.message, sizeof failure.message, "%s", rows[i].message);
        remedy_append(&failure, &circumstances, &text);
        if (strstr(text_string(&text), rows[i].remedy) == NULL) {
            fail_msg("%s: %s", rows[i].message, text_string(&text));
        }
        /* No GRANT for what no GRANT cures. */
        assert_int_equal(
            strstr(text_string(&text), "GRANT") != NULL, strstr(rows[i].remedy, "GRANT") != NULL);
    }
}

static void a_schema_that_is_lacking_is_named(void **state) {
    (void)state;
    AUTO_TEXT struct text text = {.data = NULL};
    const struct ledger ledger = {.search_path = "depot"};
    const struct remedy_circumstances circumstances = {.ledger = &ledger};
    const struct session_failure failure = {.origin = FAILURE_OF_OURS};
    remedy_append(&failure, &circumstances, &text);
    assert_string_equal(
        text_string(&text), "CREATE SCHEMA for one of `depot`, the schema_search_path");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_needs_something_of_its_own),
        cmocka_unit_test(a_schema_that_is_lacking_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
