/*
 * The program that is asked for a password: what of its output counts, and what it is asked with.
 */
#include "unit.h"

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/step.h"
#include "signalbox/command/words.h"
#include "signalbox/database/database.h"
#include "signalbox/database/password_command.h"
#include "signalbox/postgres/password_asking.h"

static void the_first_line_is_the_password(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        enum password_line expected;
        size_t line_length;
    } rows[] = {
        {"secret\n", 7, PASSWORD_LINE_GOOD, 6},
        {"secret", 6, PASSWORD_LINE_GOOD, 6},
        {"secret\r\n", 8, PASSWORD_LINE_GOOD, 6},
        {"secret\nand more\n", 16, PASSWORD_LINE_GOOD, 6},
        {" with blanks \n", 14, PASSWORD_LINE_GOOD, 13},
        {"", 0, PASSWORD_LINE_EMPTY, 0},
        {"\n", 1, PASSWORD_LINE_EMPTY, 0},
        {"\r\nsecret\n", 9, PASSWORD_LINE_EMPTY, 0},
        {"a\0b\n", 4, PASSWORD_LINE_BINARY, 3},
        {"ab\n\0", 4, PASSWORD_LINE_GOOD, 2},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t length = 99;
        assert_int_equal(
            password_asking_line(rows[i].bytes, rows[i].length, &length), rows[i].expected);
        assert_int_equal(length, rows[i].line_length);
    }
}

static void a_line_that_is_longer_than_postgresql_takes_is_none(void **state) {
    (void)state;
    static char bytes[PASSWORD_MOST + 3];
    static const struct {
        size_t length;
        enum password_line expected;
    } rows[] = {
        {PASSWORD_MOST - 1, PASSWORD_LINE_GOOD},
        {PASSWORD_MOST, PASSWORD_LINE_GOOD},
        {PASSWORD_MOST + 1, PASSWORD_LINE_TOO_LONG},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t length = 0;
        memset(bytes, 'x', sizeof bytes);
        bytes[rows[i].length] = '\n';
        assert_int_equal(
            password_asking_line(bytes, rows[i].length + 1, &length), rows[i].expected);
        /* The same without an end, which may have been cut off. */
        assert_int_equal(password_asking_line(bytes, rows[i].length, &length), rows[i].expected);
    }
}

static bool has_all(char *const *items, char *const *wanted) {
    for (; *wanted != NULL; wanted++) {
        bool has = false;
        for (char *const *item = items; *item != NULL; item++) {
            has = has || strcmp(*item, *wanted) == 0;
        }
        if (!has) {
            print_error("%s is missing\n", *wanted);
            return false;
        }
    }
    return true;
}

static void it_is_told_which_server_it_is_asked_for(void **state) {
    (void)state;
    static char db[] = "db";
    static char app[] = "app";
    static char shop[] = "shop";
    static char port[] = "6432";
    static char *empty[] = {NULL};
    static char *with_port[] = {"PGPORT=7000", "HOME=/root", NULL};
    static const struct {
        struct database database;
        const char *name;
        char *const *environment;
        char *const expected[5];
        size_t count;
    } rows[] = {
        {{.host = db, .port = port, .user = app, .name = shop}, NULL, empty,
            {"PGHOST=db", "PGPORT=6432", "PGUSER=app", "PGDATABASE=shop"}, 4},
        {{.host = db, .name = shop}, "postgres", empty,
            {"PGHOST=db", "PGPORT=5432", "PGDATABASE=postgres"}, 3},
        {{.name = shop}, NULL, with_port, {"PGPORT=7000", "HOME=/root", "PGDATABASE=shop"}, 3},
        {{.port = port, .name = shop}, NULL, with_port, {"PGPORT=6432", "HOME=/root"}, 3},
    };
    AUTO_STEP_LIST struct step_list words = {.items = NULL};
    struct error error;
    assert_int_equal(step_list_append(&words, "REGION=here aws 'a b'", &error), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct password_command command = {.words = &words, .environment = rows[i].environment};
        struct password_command_question made;
        password_command_ask(&command, &rows[i].database, rows[i].name, &made);
        assert_true(has_all(made.question.environment, rows[i].expected));
        assert_true(has_all(made.question.environment, (char *const[]){"REGION=here", NULL}));
        assert_int_equal(made.environment.count, rows[i].count + 1);
        assert_string_equal(made.question.argv[0], "aws");
        assert_string_equal(made.question.argv[1], "a b");
        assert_null(made.question.argv[2]);
        password_command_release(&made);
    }
}

static void behind_a_wrapper_it_is_told_by_env(void **state) {
    (void)state;
    static char db[] = "db";
    static char shop[] = "shop";
    char *argv[] = {"env", "-i", "PATH=/bin", "gosu", "app", "rails", "server", NULL};
    char *environment[] = {NULL};
    const struct recognition_request request = {.argv = argv, .environment = environment};
    AUTO_RECOGNITION struct recognition around;
    AUTO_STEP_LIST struct step_list words = {.items = NULL};
    AUTO_TEXT struct text line = {.data = NULL};
    struct password_command_question made;
    struct error error;
    recognise_command(&request, &around);
    assert_int_equal(step_list_append(&words, "A=1 token", &error), 0);
    struct password_command command = {
        .words = &words, .environment = environment, .around = &around};
    const struct database database = {.host = db, .name = shop};
    password_command_ask(&command, &database, NULL, &made);
    words_join(made.step.items[0].argv.items, made.step.items[0].argv.count, &line);
    assert_string_equal(text_string(&line),
        "env -i PATH=/bin gosu app env PGHOST=db PGPORT=5432 PGDATABASE=shop A=1 token");
    password_command_release(&made);
}

static void only_the_first_passwords_are_learnt(void **state) {
    (void)state;
    static char shop[] = "shop";
    char *environment[] = {NULL};
    AUTO_STEP_LIST struct step_list words = {.items = NULL};
    AUTO_SECRET_VALUES struct secret_values secrets = {.items = {.items = NULL}};
    struct error error;
    struct password_command_question made;
    assert_int_equal(step_list_append(&words, "token", &error), 0);
    struct password_command command = {
        .words = &words, .environment = environment, .secrets = &secrets};
    const struct database database = {.name = shop};
    password_command_ask(&command, &database, NULL, &made);
    for (int i = 0; i < 100; i++) {
        char password[32];
        (void)snprintf(password, sizeof password, "short%02d", i);
        made.question.learn(made.question.argument, password);
    }
    assert_true(string_list_has(&secrets.items, "short00"));
    assert_false(string_list_has(&secrets.items, "short99"));
    password_command_release(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_is_the_password),
        cmocka_unit_test(a_line_that_is_longer_than_postgresql_takes_is_none),
        cmocka_unit_test(it_is_told_which_server_it_is_asked_for),
        cmocka_unit_test(behind_a_wrapper_it_is_told_by_env),
        cmocka_unit_test(only_the_first_passwords_are_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
