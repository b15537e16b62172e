/*
 * Which database a prepare is about.
 */
#include "unit.h"

#include <stdlib.h>

#include "signalbox/prepare/target.h"

static int clear_environment(void **state) {
    (void)state;
    static const char *const names[] = {
        "RAILS_ENV", "RACK_ENV", "DATABASE_URL", "PRIMARY_DATABASE_URL", "PGDATABASE", "PGHOST"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_int_equal(unsetenv(names[i]), 0);
    }
    return 0;
}

static void check_database(const char *given, const char *name, const char *source) {
    struct databases databases;
    struct error error;
    struct databases_request request = {.given_url = given,
        .given_source = "--database-url",
        .environment = "production",
        .directory = "/nonexistent"};
    assert_int_equal(database_list_find(&request, &databases, &error), DATABASES_FOUND);
    assert_string_equal(databases.items[0].name, name);
    assert_string_equal(databases.items[0].source, source);
    database_list_release(&databases);
}

static void without_a_file_the_database_is_found_in_rails_order(void **state) {
    (void)state;
    struct databases databases;
    struct error error;
    struct databases_request request = {.environment = "production", .directory = "/nonexistent"};
    assert_int_equal(database_list_find(&request, &databases, &error), DATABASES_WRONG);
    assert_int_equal(error.exit_status, 78);
    assert_string_equal(error.text,
        "no database is named: there is no config/database.yml here, so set DATABASE_URL, or "
        "SIGNALBOX_DATABASE_URL to say only where to lock, or SIGNALBOX_PREPARE=never for a "
        "container that must not prepare");
    assert_int_equal(setenv("PGDATABASE", "zero", 1), 0);
    check_database(NULL, "zero", "PGDATABASE");
    assert_int_equal(setenv("DATABASE_URL", "postgres://db/one", 1), 0);
    check_database(NULL, "one", "DATABASE_URL");
    assert_int_equal(setenv("PRIMARY_DATABASE_URL", "postgres://db/two", 1), 0);
    check_database(NULL, "two", "PRIMARY_DATABASE_URL");
    check_database("postgres://db/three", "three", "--database-url");
}

#define TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_a_file_the_database_is_found_in_rails_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
