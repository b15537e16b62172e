/*
 * What is kept of a step's output: the last of it, fit for a text column, without secrets.
 */
#include "unit.h"

#include "prepare/protocol/output_tail.h"
#include "signalbox/base/text.h"

static const struct secret_values no_secrets = {.items = {.items = NULL}};

static void assert_rendered(
    const char *bytes, const struct secret_values *secrets, const char *expected) {
    struct output_tail last = {.added = 0};
    AUTO_TEXT struct text rendered = {.data = NULL};
    output_tail_add(&last, bytes, strlen(bytes));
    output_tail_render(&last, secrets, &rendered);
    assert_string_equal(text_string(&rendered), expected);
}

static void lines_are_kept_as_they_were(void **state) {
    (void)state;
    assert_rendered("", &no_secrets, "");
    assert_rendered("one\ntwo\n", &no_secrets, "one\ntwo");
    assert_rendered("one\r\n\n  \ntwo", &no_secrets, "one\ntwo");
    assert_rendered("gr\xc3\xbc\xc3\x9f dich\n", &no_secrets, "gr\xc3\xbc\xc3\x9f dich");
}

static void only_the_last_twenty_are_kept(void **state) {
    (void)state;
    struct output_tail last = {.added = 0};
    AUTO_TEXT struct text rendered = {.data = NULL};
    for (int i = 0; i < 47; i++) {
        char line[16];
        (void)snprintf(line, sizeof line, "line %d\n", i);
        output_tail_add(&last, line, strlen(line));
    }
    output_tail_render(&last, &no_secrets, &rendered);
    size_t lines = 1;
    for (const char *at = text_string(&rendered); *at != '\0'; at++) {
        lines += *at == '\n' ? 1 : 0;
    }
    assert_int_equal(lines, LAST_LINES_COUNT);
    assert_int_equal(strncmp(text_string(&rendered), "line 27\n", 8), 0);
    assert_non_null(strstr(text_string(&rendered), "\nline 46"));
}

static void what_no_text_column_takes_is_replaced(void **state) {
    (void)state;
    assert_rendered("a\x1b[31mred\x1b[0m\n", &no_secrets, "a?[31mred?[0m");
    assert_rendered("\xff\xfe\n", &no_secrets, "??");
    /* Overlong, a surrogate, beyond Unicode, cut off. */
    assert_rendered(
        "\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82", &no_secrets, "?? ??? ???? ??");
    struct output_tail last = {.added = 0};
    AUTO_TEXT struct text rendered = {.data = NULL};
    output_tail_add(&last, "a\0b\n", 4);
    output_tail_render(&last, &no_secrets, &rendered);
    assert_string_equal(text_string(&rendered), "a?b");
}

static void a_line_is_cut_at_the_width_and_stays_valid(void **state) {
    (void)state;
    struct output_tail last = {.added = 0};
    AUTO_TEXT struct text rendered = {.data = NULL};
    char line[LAST_LINES_WIDTH + 2];
    for (size_t length = LAST_LINES_WIDTH - 1; length <= LAST_LINES_WIDTH + 1; length++) {
        memset(line, 'x', sizeof line);
        output_tail_add(&last, line, length);
    }
    output_tail_render(&last, &no_secrets, &rendered);
    assert_int_equal(rendered.length, (LAST_LINES_WIDTH - 1) + LAST_LINES_WIDTH * 2 + 2);
    /* Half a character at the cut is none. */
    memset(line, 'x', sizeof line);
    memcpy(line + LAST_LINES_WIDTH - 1, "\xc3\xbc", 2);
    struct output_tail cut = {.added = 0};
    AUTO_TEXT struct text cut_rendered = {.data = NULL};
    output_tail_add(&cut, line, LAST_LINES_WIDTH + 1);
    output_tail_render(&cut, &no_secrets, &cut_rendered);
    assert_int_equal(cut_rendered.length, LAST_LINES_WIDTH);
    assert_int_equal(text_string(&cut_rendered)[LAST_LINES_WIDTH - 1], '?');
}

static void secrets_are_masked(void **state) {
    (void)state;
    AUTO_SECRET_VALUES struct secret_values secrets = {.items = {.items = NULL}};
    secret_values_learn(&secrets, "hunter2");
    secret_values_learn(&secrets, "s3cret");
    assert_rendered("could not connect as shop with hunter2\nhunter2s3cret", &secrets,
        "could not connect as shop with ***\n******");
    assert_rendered("postgres://shop:other@db/shop and API_TOKEN=abc", &secrets,
        "postgres://shop:***@db/shop and API_TOKEN=***");
}

static void an_error_is_not_lost_behind_its_backtrace(void **state) {
    (void)state;
    static const char error[] = "/gems/a.rb:7:in `exec': ERROR:  x (PG::LockNotAvailable)\n";
    static const char below[] = "\tfrom /gems/a.rb:10:in 'PG::Connection#exec'\n"
                                "/gems/a.rb:9:in `block in <top (required)>'\n";
    struct output_tail last = {.leaves_out_backtraces = true};
    AUTO_TEXT struct text lines = {.data = NULL};
    output_tail_add(&last, error, strlen(error));
    for (size_t i = 0; i < LAST_LINES_COUNT; i++) {
        output_tail_add(&last, below, strlen(below));
    }
    output_tail_add(&last, "see 'x'\n:in '\n", 14);
    output_tail_join(&last, &lines);
    assert_string_equal(text_string(&lines),
        "/gems/a.rb:7:in `exec': ERROR:  x (PG::LockNotAvailable)\nsee 'x'\n:in '\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_kept_as_they_were),
        cmocka_unit_test(only_the_last_twenty_are_kept),
        cmocka_unit_test(what_no_text_column_takes_is_replaced),
        cmocka_unit_test(a_line_is_cut_at_the_width_and_stays_valid),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(an_error_is_not_lost_behind_its_backtrace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
