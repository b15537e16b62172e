/*
 * Options from flags and variables: who wins, what is refused and in which words.
 */
#include "unit.h"

#include "signalbox/base/text.h"
#include "signalbox/cli/options.h"

static struct options options;
static struct error error;

static int read_options(char *const argv[], char *const environment[]) {
    return options_read(argv, environment, &options, &error);
}

static int release(void **state) {
    (void)state;
    options_release(&options);
    return 0;
}

#define WORDS(...) ((char *const[]){"signalbox", __VA_ARGS__, NULL})
#define VARIABLES(...) ((char *const[]){__VA_ARGS__, NULL})
#define NO_VARIABLES ((char *const[]){NULL})

static void defaults_are_those_of_the_design(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("./bin/rails", "server"), NO_VARIABLES), 0);
    assert_int_equal(options.request, REQUEST_RUN);
    assert_int_equal(options.prepare, PREPARE_AUTO);
    assert_int_equal(options.steps.count, 1);
    assert_string_equal(options.steps.items[0].text, "./bin/rails db:prepare");
    assert_null(options.database_url);
    assert_int_equal(options.lock_key, 0);
    assert_null(options.release);
    assert_int_equal(options.connect_timeout_ms, 60000);
    assert_int_equal(options.wait_timeout_ms, 3600000);
    assert_int_equal(options.grace_ms, 5000);
    assert_int_equal(options.lock_timeout_ms, DURATION_NONE);
    assert_int_equal(options.step_retries, 0);
    assert_int_equal(options.log, REPORT_TEXT);
    assert_int_equal(options.log_level, REPORT_INFO);
    assert_string_equal(options.command[0], "./bin/rails");
    assert_string_equal(options_source(&options, "--grace"), "default");
}

static void the_commands_own_options_are_left_alone(void **state) {
    (void)state;
    assert_int_equal(
        read_options(
            WORDS("--grace=1s", "rails", "server", "--grace=2s", "-p", "3000"), NO_VARIABLES),
        0);
    assert_int_equal(options.grace_ms, 1000);
    assert_string_equal(options.command[0], "rails");
    assert_string_equal(options.command[2], "--grace=2s");
}

static void two_dashes_end_the_options(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("--grace", "1s", "--", "--odd"), NO_VARIABLES), 0);
    assert_int_equal(options.grace_ms, 1000);
    assert_string_equal(options.command[0], "--odd");
}

static void the_flag_wins_over_the_variable_and_the_last_flag_over_the_first(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("--lock-key=1", "--lock-key=2", "x"),
                         VARIABLES("SIGNALBOX_LOCK_KEY=3", "SIGNALBOX_GRACE=7s")),
        0);
    assert_int_equal(options.lock_key, 2);
    assert_string_equal(options_source(&options, "--lock-key"), "--lock-key");
    assert_int_equal(options.grace_ms, 7000);
    assert_string_equal(options_source(&options, "--grace"), "SIGNALBOX_GRACE");
}

static void an_empty_variable_is_unset(void **state) {
    (void)state;
    assert_int_equal(
        read_options(WORDS("x"), VARIABLES("SIGNALBOX_GRACE=", "SIGNALBOX_DATABASE_URL=")), 0);
    assert_int_equal(options.grace_ms, 5000);
    assert_null(options.database_url);
}

static void steps_come_as_flags_or_joined_in_the_variable(void **state) {
    (void)state;
    assert_int_equal(
        read_options(WORDS("--step", "A=1 one two", "--step=three && four"), NO_VARIABLES), -1);
    options_release(&options);
    assert_int_equal(
        read_options(WORDS("x"), VARIABLES("SIGNALBOX_STEPS=A=1 one 'a && b' && three")), 0);
    assert_int_equal(options.steps.count, 2);
    assert_string_equal(options.steps.items[0].assignments.items[0], "A=1");
    assert_string_equal(options.steps.items[0].argv.items[1], "a && b");
    assert_string_equal(options.steps.items[1].argv.items[0], "three");
    options_release(&options);
    assert_int_equal(
        read_options(WORDS("--step=mine", "x"), VARIABLES("SIGNALBOX_STEPS=a && b")), 0);
    assert_int_equal(options.steps.count, 1);
    assert_string_equal(options.steps.items[0].text, "mine");
}

static void of_a_single_command_the_last_wins(void **state) {
    (void)state;
    assert_int_equal(
        read_options(WORDS("--password-command=one", "--password-command=A=1 two 'b c'", "x"),
            VARIABLES("SIGNALBOX_PASSWORD_COMMAND=three")),
        0);
    assert_int_equal(options.password_command.count, 1);
    assert_string_equal(options.password_command.items[0].text, "A=1 two 'b c'");
    assert_string_equal(options.password_command.items[0].argv.items[1], "b c");
}

static void an_unknown_variable_is_named_with_the_nearest(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("x"), VARIABLES("SIGNALBOX_LOCK_KEYS=1", "OTHER=1")), 0);
    assert_int_equal(options.unknown_variables.count, 1);
    assert_string_equal(options.unknown_variables.items[0],
        "SIGNALBOX_LOCK_KEYS is not a variable of Signalbox: did you mean SIGNALBOX_LOCK_KEY?");
}

static void in_a_hook_what_it_is_told_is_no_option(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("x"), VARIABLES("SIGNALBOX_STEP=x", "SIGNALBOX_RUN=1")), 0);
    assert_int_equal(options.unknown_variables.count, 2);
    options_release(&options);
    assert_int_equal(read_options(WORDS("x"),
                         VARIABLES("SIGNALBOX_STEP=x", "SIGNALBOX_RUN=1", "SIGNALBOX_RELEASE=v42",
                             "SIGNALBOX_OUTCOME=failed", "SIGNALBOX_RELEASE_SOURCE=KAMAL_VERSION")),
        0);
    assert_int_equal(options.unknown_variables.count, 0);
    assert_null(options.release);
    options_release(&options);
    assert_int_equal(read_options(WORDS("x"),
                         VARIABLES("SIGNALBOX_RELEASE=v42", "SIGNALBOX_OUTCOME=failed",
                             "SIGNALBOX_RELEASE_SOURCE=SIGNALBOX_RELEASE")),
        0);
    assert_string_equal(options.release, "v42");
}

static void bad_values_say_what_where_and_what_to_do(void **state) {
    (void)state;
    static char *const none[] = {NULL};
    static const struct {
        char *argv[3];
        char *environment[2];
        const char *text;
    } rows[] = {
        {{"s", "--prepar=auto"}, {NULL}, "unknown option --prepar: did you mean --prepare"},
        {{"s", "-v"}, {NULL}, "unknown option -v: see signalbox --help"},
        {{"s", "--grace"}, {NULL}, "--grace: a value is missing"},
        {{"s", "--grace=5"}, {NULL},
            "--grace: `5` is not allowed: use a duration such as 500ms, 30s, 10m or 1h"},
        {{"s"}, {"SIGNALBOX_GRACE=soon"},
            "SIGNALBOX_GRACE: `soon` is not allowed: use a duration such as 500ms, 30s, 10m or 1h"},
        {{"s"}, {"SIGNALBOX_GRACE=\"5s\""},
            "SIGNALBOX_GRACE: the value is in quotation marks: remove them, because `docker "
            "--env-file` and similar files pass them on"},
        {{"s"}, {"SIGNALBOX_STEPS='./bin/rails db:prepare'"},
            "SIGNALBOX_STEPS: the value is in quotation marks: remove them, because `docker "
            "--env-file` and similar files pass them on"},
        {{"s", "--grace=9223372036854775807ms"}, {NULL},
            "--grace: `9223372036854775807ms` is not allowed: use a year at most (8760h)"},
        {{"s", "--wait-timeout=8761h"}, {NULL},
            "--wait-timeout: `8761h` is not allowed: use a year at most (8760h)"},
        {{"s", "--password-command= "}, {NULL}, "--password-command: a command is empty"},
        {{"s"}, {"SIGNALBOX_PASSWORD_COMMAND=aws x | head"},
            "SIGNALBOX_PASSWORD_COMMAND: a command here is words, not shell, and '|' is shell: "
            "write "
            "sh -c '…' instead of: aws x | head"},
        {{"s", "--step-retries=-1"}, {NULL},
            "--step-retries: `-1` is not allowed: use a whole number from 0 to 100"},
        {{"s"}, {"SIGNALBOX_STEP_RETRIES=101"},
            "SIGNALBOX_STEP_RETRIES: `101` is not allowed: use a whole number from 0 to 100"},
        {{"s", "--lock-timeout=597h"}, {NULL},
            "--lock-timeout: `597h` is not allowed: use 596h at most, the longest that PostgreSQL "
            "takes"},
        {{"s"}, {"SIGNALBOX_LOCK_TIMEOUT=5"},
            "SIGNALBOX_LOCK_TIMEOUT: `5` is not allowed: use a duration such as 500ms, 30s, 10m or "
            "1h"},
        {{"s", "--lock-key=x"}, {NULL},
            "--lock-key: `x` is not allowed: use a whole number from -2147483648 to 2147483647"},
        {{"s", "--prepare=always"}, {NULL},
            "--prepare: `always` is not one of: auto, any, never, wait"},
        {{"s"}, {"SIGNALBOX_LOG=xml"}, "SIGNALBOX_LOG: `xml` is not one of: text, json"},
        {{"s", "--jemalloc=maybe"}, {NULL},
            "--jemalloc: `maybe` is not allowed: use 1, true, yes, on, 0, false, no or off"},
        {{"s", "--lock=redis"}, {NULL},
            "--lock: `redis` is not allowed: use auto, postgres, file, file:PATH or none"},
        {{"s", "--lock=file:"}, {NULL},
            "--lock: `file:` is not allowed: use auto, postgres, file, file:PATH or none"},
        {{"s", "--user="}, {NULL},
            "--user: `` is not allowed: use NAME, NAME:GROUP or their numbers (0 to 4294967294)"},
        {{"s", "--user=a:b:c"}, {NULL},
            "--user: `a:b:c` is not allowed: use NAME, NAME:GROUP or their numbers (0 to "
            "4294967294)"},
        {{"s", "--user=-1"}, {NULL},
            "--user: `-1` is not allowed: use NAME, NAME:GROUP or their numbers (0 to 4294967294)"},
        {{"s", "--caps="}, {NULL},
            "--caps: a name is missing: use none, or names such as net_bind_service with commas "
            "between them"},
        {{"s"}, {"SIGNALBOX_CAPS=net_bind"},
            "SIGNALBOX_CAPS: `net_bind` is not a capability: did you mean net_bind_service?"},
        {{"s", "--rewrite=TERM"}, {NULL},
            "--rewrite: `TERM` is not allowed: use FROM:TO with names or numbers of signals, TO "
            "may "
            "be none"},
        {{"s"}, {"SIGNALBOX_REWRITE=TERM:QUIT 15:NOPE"},
            "SIGNALBOX_REWRITE: `15:NOPE` is not allowed: use FROM:TO with names or numbers of "
            "signals, TO may be none"},
        {{"s", "--ok-exit=256"}, {NULL},
            "--ok-exit: `256` is not allowed: use an exit status from 0 to 255"},
        {{"s", "--init=maybe"}, {NULL}, "--init: `maybe` is not one of: auto, always, never"},
        {{"s", "--server='"}, {NULL}, "--server: a quote is not closed in: '"},
        {{"s", "--step="}, {NULL}, "--step: a command is empty"},
        {{"s", "--step=A=1"}, {NULL}, "--step: a command is empty"},
        {{"s", "--step=echo 'x"}, {NULL}, "--step: a quote is not closed in: echo 'x"},
        {{"s", "--step=a | b"}, {NULL},
            "--step: a command here is words, not shell, and '|' is shell: write sh -c '…' instead "
            "of: a | "
            "b"},
        {{"s"}, {"SIGNALBOX_STEPS=a && $B"},
            "SIGNALBOX_STEPS: a command here is words, not shell, and '$' is shell: write sh -c "
            "'…' "
            "instead "
            "of: $B"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(
            read_options(rows[i].argv, rows[i].environment[0] ? rows[i].environment : none), -1);
        assert_string_equal(error.text, rows[i].text);
        assert_int_equal(error.exit_status, 64);
        options_release(&options);
    }
}

static void lists_come_as_flags_or_in_the_variable(void **state) {
    (void)state;
    assert_int_equal(
        read_options(WORDS("--server=bin/boot", "--server=bin/start web", "--rewrite=SIGTERM:3",
                         "--rewrite=HUP:none", "--ok-exit=143", "--ok-exit", "0", "x"),
            VARIABLES("SIGNALBOX_WATCH=db/**;lib/tasks\n$FLAGS")),
        0);
    assert_int_equal(options.servers.count, 2);
    assert_int_equal(options.servers.items[1].count, 2);
    assert_string_equal(options.servers.items[1].items[1], "web");
    assert_int_equal(options.rewrites.count, 2);
    assert_int_equal(options.rewrites.items[0].from, 15);
    assert_int_equal(options.rewrites.items[0].to, 3);
    assert_int_equal(options.rewrites.items[1].to, 0);
    assert_int_equal(options.ok_exits.count, 2);
    assert_int_equal(options.ok_exits.items[0], 143);
    assert_int_equal(options.watch.count, 3);
    assert_string_equal(options.watch.items[2], "$FLAGS");
    options_release(&options);
    assert_int_equal(read_options(WORDS("x"),
                         VARIABLES("SIGNALBOX_SERVER=bin/boot\nbin/start web; ;",
                             "SIGNALBOX_OK_EXIT=143 130", "SIGNALBOX_LOCK=file:/x;y")),
        0);
    assert_int_equal(options.servers.count, 2);
    assert_int_equal(options.ok_exits.count, 2);
    assert_int_equal(options.lock.kind, LOCK_FILE);
    assert_string_equal(options.lock.path, "/x;y");
}

static void switches_take_a_word_or_stand_alone(void **state) {
    (void)state;
    assert_int_equal(read_options(WORDS("--jemalloc", "x"), VARIABLES("SIGNALBOX_JEMALLOC=0")), 0);
    assert_true(options.jemalloc);
    assert_string_equal(options.command[0], "x");
    options_release(&options);
    assert_int_equal(read_options(WORDS("--jemalloc=no", "x"), NO_VARIABLES), 0);
    assert_false(options.jemalloc);
    options_release(&options);
    assert_int_equal(read_options(WORDS("x"), VARIABLES("SIGNALBOX_JEMALLOC=yes")), 0);
    assert_true(options.jemalloc);
}

static void help_fits_eighty_columns_and_names_every_option(void **state) {
    (void)state;
    AUTO_TEXT struct text help = {.data = NULL};
    option_help(&help);
    for (const char *line = text_string(&help); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (length > 80) {
            fail_msg("%zu columns: %.*s", length, (int)length, line);
        }
        line += length + 1;
    }
    assert_int_equal(read_options(WORDS("x"), NO_VARIABLES), 0);
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(&options, i);
        assert_non_null(strstr(text_string(&help), option.flag));
        text_release(&option.value);
    }
}

static void a_secret_is_described_without_it(void **state) {
    (void)state;
    assert_int_equal(
        read_options(WORDS("--database-url=postgres://u:hunter2@db/x", "x"), NO_VARIABLES), 0);
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(&options, i);
        assert_null(strstr(text_string(&option.value), "hunter2"));
        text_release(&option.value);
    }
}

static void no_words_at_all_are_no_crash(void **state) {
    (void)state;
    char *const nothing[] = {NULL};
    assert_int_equal(read_options(nothing, NO_VARIABLES), 0);
    assert_null(options.command[0]);
}

#define TEST(name) cmocka_unit_test_teardown(name, release)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_those_of_the_design),
        TEST(the_commands_own_options_are_left_alone),
        TEST(two_dashes_end_the_options),
        TEST(the_flag_wins_over_the_variable_and_the_last_flag_over_the_first),
        TEST(an_empty_variable_is_unset),
        TEST(steps_come_as_flags_or_joined_in_the_variable),
        TEST(of_a_single_command_the_last_wins),
        TEST(an_unknown_variable_is_named_with_the_nearest),
        TEST(in_a_hook_what_it_is_told_is_no_option),
        TEST(bad_values_say_what_where_and_what_to_do),
        TEST(lists_come_as_flags_or_in_the_variable),
        TEST(switches_take_a_word_or_stand_alone),
        TEST(help_fits_eighty_columns_and_names_every_option),
        TEST(a_secret_is_described_without_it),
        TEST(no_words_at_all_are_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
