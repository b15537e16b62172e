/*
 * --lock-timeout in the environment of the steps, and what is known of it without a server.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prepare/lock_timeout.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static void list(struct string_list *into, const char *const *items) {
    for (; *items != NULL; items++) {
        string_list_append(into, *items);
    }
}

static void it_is_joined_with_what_is_there(void **state) {
    (void)state;
    static const struct {
        const char *environment[3];
        const char *expected[3];
    } rows[] = {
        {{"A=1", NULL}, {"A=1", "PGOPTIONS=-c lock_timeout=5000", NULL}},
        {{"PGOPTIONS=-c a=b", "A=1", NULL}, {"PGOPTIONS=-c a=b -c lock_timeout=5000", "A=1", NULL}},
        {{"PGOPTIONS=", NULL}, {"PGOPTIONS=-c lock_timeout=5000", NULL}},
    };
    const struct target_request request = {.has_lock_timeout = true, .lock_timeout_ms = 5000};
    const struct target_request none = {.has_lock_timeout = false};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STRING_LIST struct string_list environment = {.items = NULL};
        list(&environment, rows[i].environment);
        size_t before = environment.count;
        lock_timeout_put(&none, &environment);
        assert_int_equal(environment.count, before);
        lock_timeout_put(&request, &environment);
        for (size_t k = 0; rows[i].expected[k] != NULL; k++) {
            assert_string_equal(environment.items[k], rows[i].expected[k]);
        }
    }
}

#define OURS "-c lock_timeout=5000"

static void what_the_steps_find_is_known(void **state) {
    (void)state;
    static const struct {
        bool clears;
        const char *changes[3];
        bool is_asked;
        const char *given;
        const char *answered[3];
        const char *found;
        bool is_ours;
        const char *left; /* Of the answer, with | between. */
    } rows[] = {
        {false, {NULL}, false, NULL, {NULL}, OURS, true, ""},
        {true, {NULL}, false, NULL, {NULL}, NULL, false, ""},
        {false, {"PGOPTIONS=-c a=b", NULL}, false, NULL, {NULL}, "-c a=b", false, ""},
        {true, {"PGOPTIONS=" OURS, NULL}, false, NULL, {NULL}, OURS, true, ""},
        {false, {"PGOPTIONS", "A=1", NULL}, false, NULL, {NULL}, NULL, false, ""},
        {false, {NULL}, true, NULL, {"A=1", "PGOPTIONS=" OURS, NULL}, OURS, true, "A=1|"},
        {false, {NULL}, true, NULL, {"PGOPTIONS=" OURS, "A=1", NULL}, OURS, true, "A=1|"},
        {false, {NULL}, true, "", {"PGOPTIONS=" OURS, NULL}, OURS, true, "PGOPTIONS=|"},
        {false, {NULL}, true, NULL, {"A=1", NULL}, NULL, false, "A=1|"},
        {false, {NULL}, true, NULL, {"PGOPTIONS=-c a=b", NULL}, "-c a=b", false,
            "PGOPTIONS=-c a=b|"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STRING_LIST struct string_list environment = {.items = NULL};
        AUTO_STRING_LIST struct string_list changes = {.items = NULL};
        AUTO_STRING_LIST struct string_list answered = {.items = NULL};
        AUTO_TEXT struct text left = {.data = NULL};
        struct target_request request = {.has_lock_timeout = true,
            .lock_timeout_ms = 5000,
            .clears_environment = rows[i].clears,
            .environment_changes = &changes};
        list(&changes, rows[i].changes);
        list(&answered, rows[i].answered);
        string_list_append(&environment, "PGOPTIONS=" OURS);
        AUTO_FREE char *found = lock_timeout_find(
            &request, &environment, rows[i].given, rows[i].is_asked ? &answered : NULL);
        assert_int_equal(request.has_step_options, rows[i].is_ours);
        if (rows[i].found == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, rows[i].found);
        }
        for (size_t k = 0; k < answered.count; k++) {
            text_append_format(&left, "%s|", answered.items[k]);
        }
        assert_string_equal(text_string(&left), rows[i].left);
    }
}

static char directory[] = "/tmp/signalbox-lock-timeout-XXXXXX";

static int make_application(void **state) {
    (void)state;
    AUTO_TEXT struct text config = {.data = NULL};
    assert_int_equal(clearenv(), 0);
    assert_non_null(mkdtemp(directory));
    text_append_format(&config, "%s/config", directory);
    return mkdir(text_string(&config), 0755);
}

static int remove_application(void **state) {
    (void)state;
    AUTO_TEXT struct text path = {.data = NULL};
    text_append_format(&path, "%s/config", directory);
    (void)rmdir(text_string(&path));
    return rmdir(directory);
}

static void write_configuration(const char *path, const char *content) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(
        file, "production:\n  adapter: postgresql\n  host: db\n  database: shop\n%s", content);
    assert_int_equal(fclose(file), 0);
}

#define VARIABLES_DECIDE                                                                           \
    "`variables:` of the configuration `primary` (config/database.yml:1) decides about "           \
    "lock_timeout once Rails has connected, so --lock-timeout=5000ms would not hold: remove one "  \
    "of the two"

static void what_cannot_hold_is_refused_with_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *configuration; /* Below a PostgreSQL's. */
        const char *given_url;
        const char *step;
        enum lock_kind lock;
        const char *refusal; /* NULL: none. */
    } rows[] = {
        {"", NULL, "rails db:prepare", LOCK_AUTO, NULL},
        {"", NULL, "rails db:prepare", LOCK_POSTGRES, NULL},
        {"", "postgres://direct/shop", "rails db:prepare", LOCK_AUTO, NULL},
        {"", "postgres://direct/locks", "rails db:prepare", LOCK_AUTO, NULL},
        {"  variables:\n    statement_timeout: 5s\n    lock_timeout:\n", NULL, "rails db:prepare",
            LOCK_AUTO, NULL},
        {"  variables:\n    lock_timeout: 5s\n", NULL, "rails db:prepare", LOCK_AUTO,
            VARIABLES_DECIDE},
        {"  variables:\n    LOCK_TIMEOUT: :default\n", NULL, "rails db:prepare", LOCK_AUTO,
            VARIABLES_DECIDE},
        {"  variables: <%= Shop.variables %>\n", NULL, "rails db:prepare", LOCK_AUTO,
            VARIABLES_DECIDE},
        {"  variables:\n    lock_timeout: 5s\n", "postgres://direct/shop", "rails db:prepare",
            LOCK_AUTO, VARIABLES_DECIDE},
        {"  database: <%= Shop.database %>\n", "postgres://direct/shop", "rails db:prepare",
            LOCK_AUTO,
            "--lock-timeout cannot be proven: only Rails can say which databases the steps use, "
            "and with --database-url it is not asked: remove one of the two"},
        {"  adapter: mysql2\n", "postgres://direct/shop", "rails db:prepare", LOCK_AUTO,
            "--lock-timeout is a setting of PostgreSQL's, and none of the application's databases "
            "is there: remove it"},
        {"", NULL, "PGOPTIONS='-c a=b' rails db:prepare", LOCK_AUTO,
            "the step `PGOPTIONS='-c a=b' rails db:prepare` sets PGOPTIONS, which replaces "
            "--lock-timeout: write `-c lock_timeout=…` into it as well, or set PGOPTIONS for the "
            "container"},
        {"", NULL, "PGOPTIONS='-c lock_timeout=0' rails data:backfill", LOCK_AUTO, NULL},
        {"", NULL, "PGOPTIONS='-c deadlock_timeout=1 -c lock_timeout=0' rails x", LOCK_AUTO, NULL},
        {"", NULL, "PGOPTIONS='-c deadlock_timeout=1s' rails x", LOCK_AUTO,
            "the step `PGOPTIONS='-c deadlock_timeout=1s' rails x` sets PGOPTIONS, which replaces "
            "--lock-timeout: write `-c lock_timeout=…` into it as well, or set PGOPTIONS for the "
            "container"},
        {"", NULL, "env A=b PGOPTIONS=-ca=b rails x", LOCK_AUTO,
            "the step `env A=b PGOPTIONS=-ca=b rails x` sets PGOPTIONS, which replaces "
            "--lock-timeout: write `-c lock_timeout=…` into it as well, or set PGOPTIONS for the "
            "container"},
        {"", NULL, "rails db:prepare", LOCK_NONE,
            "--lock-timeout is proven on the server that has the lock, and with --lock=file or "
            "none there is no such server: remove it, or set PGOPTIONS for the steps yourself"},
        {"  adapter: sqlite3\n", NULL, "rails db:prepare", LOCK_AUTO,
            "--lock-timeout is a setting of PostgreSQL's, and the database is SQLite: remove it"},
    };
    AUTO_TEXT struct text path = {.data = NULL};
    text_append_format(&path, "%s/config/database.yml", directory);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STEP_LIST struct step_list steps = {.items = NULL};
        struct target target;
        struct error error = {.text = ""};
        const struct lock_choice lock = {.kind = rows[i].lock};
        write_configuration(text_string(&path), rows[i].configuration);
        assert_int_equal(step_list_append(&steps, rows[i].step, &error), 0);
        struct target_request request = {
            .directory = directory,
            .environment = "production",
            .steps = &steps,
            .lock = &lock,
            .database_url = rows[i].given_url,
            .database_url_source = "--database-url",
            .has_lock_timeout = true,
            .lock_timeout_ms = 5000,
        };
        int made = target_make(&request, &target, &error);
        assert_string_equal(error.text, rows[i].refusal == NULL ? "" : rows[i].refusal);
        assert_int_equal(made, rows[i].refusal == NULL ? 0 : -1);
        assert_int_equal(error.exit_status, rows[i].refusal == NULL ? 0 : 78);
        target_release(&target);
        request.has_lock_timeout = false;
        assert_int_equal(target_make(&request, &target, &error), 0);
        target_release(&target);
    }
    assert_int_equal(unlink(text_string(&path)), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_joined_with_what_is_there),
        cmocka_unit_test(what_the_steps_find_is_known),
        cmocka_unit_test(what_cannot_hold_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests(tests, make_application, remove_application);
}
