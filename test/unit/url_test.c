/*
 * Database URLs, as ActiveRecord reads them, and never their password in any text for people.
 */
#include "unit.h"

#include "signalbox/database/database.h"

#define NONE ""

static const struct {
    const char *url;
    const char *host, *port, *user, *password, *name;
} accepted[] = {
    {"postgres://u:p@db:5433/shop", "db", "5433", "u", "p", "shop"},
    {"postgresql://db/shop", "db", NONE, NONE, NONE, "shop"},
    {"postgis://u@db/shop", "db", NONE, "u", NONE, "shop"},
    {"postgresql:///shop", NONE, NONE, NONE, NONE, "shop"},
    {"postgresql:///shop?host=/run/postgresql", "/run/postgresql", NONE, NONE, NONE, "shop"},
    {"postgres://u%40x:p%2Fq%3F@db/shop%20two", "db", NONE, "u@x", "p/q?", "shop two"},
    {"postgres://u:a+b@db/a+b", "db", NONE, "u", "a+b", "a+b"},
    {"postgres://u:p@ss@db/shop", "db", NONE, "u", "p@ss", "shop"},
    {"postgres://[::1]:5432/shop", "::1", "5432", NONE, NONE, "shop"},
    {"postgres://my_db.internal/shop", "my_db.internal", NONE, NONE, NONE, "shop"},
    {"postgres://db/shop?user=x&password=y&port=1", "db", "1", "x", "y", "shop"},
    {"postgres://db/one?database=two", "db", NONE, NONE, NONE, "two"},
    {"postgres://db:/shop", "db", NONE, NONE, NONE, "shop"},
    {"postgres://db/shop#fragment", "db", NONE, NONE, NONE, "shop"},
};

static void check_part(const char *url, const char *part, const char *expected, const char *found) {
    if (strcmp(expected, found == NULL ? "" : found) != 0) {
        fail_msg("%s: %s is `%s`, not `%s`", url, part, found == NULL ? "" : found, expected);
    }
}

static void parts_are_those_that_activerecord_finds(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(accepted); i++) {
        struct database database;
        struct error error = {.text = ""};
        if (database_from_url(accepted[i].url, "TEST", &database, &error) != 0) {
            fail_msg("%s: %s", accepted[i].url, error.text);
        }
        check_part(accepted[i].url, "host", accepted[i].host, database.host);
        check_part(accepted[i].url, "port", accepted[i].port, database.port);
        check_part(accepted[i].url, "user", accepted[i].user, database.user);
        check_part(accepted[i].url, "password", accepted[i].password, database.password);
        check_part(accepted[i].url, "name", accepted[i].name, database.name);
        database_release(&database);
    }
}

static void further_parameters_are_kept_in_order(void **state) {
    (void)state;
    struct database database;
    struct error error;
    assert_int_equal(database_from_url("postgres://db/shop?sslmode=require&pool=5&flag", "TEST",
                         &database, &error),
        0);
    assert_int_equal(database.keywords.count, 2);
    assert_string_equal(database.keywords.items[0], "sslmode");
    assert_string_equal(database.values.items[0], "require");
    assert_string_equal(database.keywords.items[1], "pool");
    database_release(&database);
}

static void what_cannot_be_used_is_refused_without_a_secret(void **state) {
    (void)state;
    static const struct {
        const char *url, *text;
    } rows[] = {
        {"db/shop", "TEST is not a URL: write postgresql://USER:PASSWORD@HOST:PORT/NAME"},
        {"mysql2://u:hunter2@db/shop",
            "TEST: `mysql2` has no advisory lock that Signalbox can use, only PostgreSQL has: give "
            "a postgresql:// URL, or --prepare=never"},
        {"postgres://u:hunter2@db", "TEST names no database: add its name, postgresql://…/NAME"},
        {"postgres://u:hunter2@db/", "TEST names no database: add its name, postgresql://…/NAME"},
        {"postgres://u:hunter2%zz@db/shop",
            "TEST cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number"},
        {"postgres://u:hunter2@db:54x2/shop",
            "TEST cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number"},
        {"postgres://u:hunter2@db:0/shop",
            "TEST cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number"},
        {"postgres://u:hunter2@db/sh%00op",
            "TEST cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number"},
        {"postgres://[::1/shop",
            "TEST cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct database database;
        struct error error;
        assert_int_equal(database_from_url(rows[i].url, "TEST", &database, &error), -1);
        assert_string_equal(error.text, rows[i].text);
        assert_int_equal(error.exit_status, 78);
        assert_null(strstr(error.text, "hunter2"));
        database_release(&database);
    }
}

static void the_description_has_no_password(void **state) {
    (void)state;
    struct database database;
    struct error error;
    AUTO_TEXT struct text text = {.data = NULL};
    assert_int_equal(database_from_url("postgis://u:hunter2@db:1/shop?password=hunter3", "TEST",
                         &database, &error),
        0);
    database_describe(&database, &text);
    assert_string_equal(text_string(&text), "postgresql://u@db:1/shop");
    database_release(&database);
}

static void every_cut_of_a_url_is_survived(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(accepted); i++) {
        for (size_t length = 0; length <= strlen(accepted[i].url); length++) {
            AUTO_FREE char *cut = string_copy_part(accepted[i].url, length);
            struct database database;
            struct error error;
            (void)!database_from_url(cut, "TEST", &database, &error);
            database_release(&database);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_those_that_activerecord_finds),
        cmocka_unit_test(further_parameters_are_kept_in_order),
        cmocka_unit_test(what_cannot_be_used_is_refused_without_a_secret),
        cmocka_unit_test(the_description_has_no_password),
        cmocka_unit_test(every_cut_of_a_url_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
