/*
 * The environment that a wrapper was asked for, there and back, and whatever else may come.
 */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command/reply_format.h"
#include "command/reply_socket.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/reply.h"

static void check_there_and_back(char *const environment[], const char *directory) {
    AUTO_TEXT struct text bytes = {.data = NULL};
    struct wrapper_answer answer;
    reply_format_write(environment, directory, &bytes);
    assert_int_equal(reply_format_read(text_string(&bytes), bytes.length, &answer), REPLY_WHOLE);
    assert_string_equal(answer.directory, directory);
    size_t count = 0;
    for (; environment[count] != NULL; count++) {
        assert_true(count < answer.environment.count);
        assert_string_equal(answer.environment.items[count], environment[count]);
    }
    assert_int_equal(answer.environment.count, count);
    ask_release_answer(&answer);
    /* Each beginning of it is unfinished, and one byte more is none. */
    for (size_t length = 0; length < bytes.length && length < 300; length++) {
        assert_int_equal(reply_format_read(text_string(&bytes), length, &answer), REPLY_UNFINISHED);
    }
    text_append(&bytes, "", 1);
    assert_int_equal(reply_format_read(text_string(&bytes), bytes.length, &answer), REPLY_WRONG);
}

static void an_environment_comes_as_it_was_sent(void **state) {
    (void)state;
    static char newlines[] = "URL=postgres://a\nb=c\n\n";
    static char strange[] = "a-b.c d=1";
    static char twice[] = "X=1";
    static char again[] = "X=2";
    static char bytes[] = "B=\xff\x01=\x7f";
    static char empty[] = "E=";
    char *const environment[] = {newlines, strange, twice, again, bytes, empty, NULL};
    char *const nothing[] = {NULL};
    check_there_and_back(environment, "/rails app\n");
    check_there_and_back(environment, "");
    check_there_and_back(nothing, "/");
}

static void a_large_environment_passes(void **state) {
    (void)state;
    enum { VARIABLES = 40, LENGTH = 100000 };
    struct string_list environment = {.items = NULL};
    for (size_t i = 0; i < VARIABLES; i++) {
        char *variable = memory_allocate(LENGTH + 1, 1);
        memset(variable, 'x', LENGTH);
        variable[1] = '=';
        string_list_append_owned(&environment, variable);
    }
    check_there_and_back(environment.items, "/");
    string_list_release(&environment);
}

static void what_has_no_name_is_no_variable(void **state) {
    (void)state;
    static char without[] = "without";
    static char unnamed[] = "=x";
    static char kept[] = "A=1";
    static char none[] = "";
    char *const environment[] = {without, unnamed, kept, none, NULL};
    AUTO_TEXT struct text bytes = {.data = NULL};
    struct wrapper_answer answer;
    reply_format_write(environment, "/", &bytes);
    assert_int_equal(reply_format_read(text_string(&bytes), bytes.length, &answer), REPLY_WHOLE);
    assert_int_equal(answer.environment.count, 1);
    assert_string_equal(answer.environment.items[0], "A=1");
    ask_release_answer(&answer);
}

static void anything_else_is_no_answer(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        enum reply_result result;
    } rows[] = {
        {"", 0, REPLY_UNFINISHED},
        {"signal", 6, REPLY_UNFINISHED},
        {"signalbox ", 10, REPLY_UNFINISHED},
        {"Welcome!\n", 9, REPLY_WRONG},
        {"signalbox x 1\n", 14, REPLY_WRONG},
        {"signalbox 1\n", 12, REPLY_WRONG},
        {"signalbox 1 \n", 13, REPLY_WRONG},
        {"signalbox  1\n", 13, REPLY_WRONG},
        {"signalbox -1 1\n", 15, REPLY_WRONG},
        {"signalbox 1 0\n", 14, REPLY_WRONG},
        {"signalbox 1 1\nx", 15, REPLY_WRONG},
        {"signalbox 2 1\n\0", 15, REPLY_WRONG},
        {"signalbox 1 1\n\0", 15, REPLY_WHOLE},
        {"signalbox 0 1\n\0", 15, REPLY_WRONG},
        {"signalbox 1 9999999\n", 20, REPLY_WRONG},
        {"signalbox 1 8388608\n", 20, REPLY_UNFINISHED},
        {"signalbox 1 99999999999999999999999\n", 36, REPLY_WRONG},
        {"signalbox 99999999999999999999999 1\n\0", 37, REPLY_WRONG},
        {"signalbox 0000000000000000000000000000000000000000000001 1\n\0", 60, REPLY_WRONG},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct wrapper_answer answer;
        enum reply_result result = reply_format_read(rows[i].bytes, rows[i].length, &answer);
        if (result != rows[i].result) {
            print_error("row %zu\n", i);
        }
        assert_int_equal(result, rows[i].result);
        if (result == REPLY_WHOLE) {
            ask_release_answer(&answer);
        }
    }
}

static void no_command_is_taken_for_the_question(void **state) {
    (void)state;
    static char self[] = "signalbox";
    static char question[] = MEETING_WORD "0123456789abcdef0123456789abcdef";
    static char more[] = "more";
    static const char *const others[] = {"", "signalbox:environment:", "signalbox",
        MEETING_WORD "0123456789abcdef0123456789abcde", "--help",
        MEETING_WORD "0123456789abcdef0123456789abcdef0",
        MEETING_WORD "0123456789ABCDEF0123456789ABCDEF", ("environment:" MEETING_WORD)};
    assert_true(reply_is_wanted((char *[]){self, question, NULL}));
    assert_false(reply_is_wanted((char *[]){self, question, more, NULL}));
    assert_false(reply_is_wanted((char *[]){self, NULL}));
    assert_false(reply_is_wanted((char *[]){NULL}));
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        AUTO_FREE char *word = string_copy(others[i]);
        assert_false(reply_is_wanted((char *[]){self, word, NULL}));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_environment_comes_as_it_was_sent),
        cmocka_unit_test(a_large_environment_passes),
        cmocka_unit_test(what_has_no_name_is_no_variable),
        cmocka_unit_test(anything_else_is_no_answer),
        cmocka_unit_test(no_command_is_taken_for_the_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
