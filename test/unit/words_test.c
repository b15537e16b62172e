/*
 * Splitting a line into words and joining them again, --step and --server included: quoting at
 * every edge, what is refused and where, and that what is joined splits the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/server.h"
#include "signalbox/command/step.h"
#include "signalbox/command/words.h"

/* The words with `|` between and behind them. */
static void split(const char *line, struct text *joined) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    size_t offset = 0;
    assert_int_equal(words_split(line, &words, &offset), WORDS_OK);
    for (size_t i = 0; i < words.count; i++) {
        text_append_format(joined, "%s|", words.items[i]);
    }
}

static void quoting_is_that_of_a_shell_without_its_expansions(void **state) {
    static const struct {
        const char *line;
        const char *words;
    } rows[] = {
        {"", ""},
        {" \t ", ""},
        {"a", "a|"},
        {" a  b\tc ", "a|b|c|"},
        {"''", "|"},
        {"\"\"", "|"},
        {"a''b", "ab|"},
        {"'a b'", "a b|"},
        {"\"a b\"", "a b|"},
        {"a\\ b", "a b|"},
        {"'a\"b'", "a\"b|"},
        {"\"a'b\"", "a'b|"},
        {"\"a\\\"b\"", "a\"b|"},
        {"\"a\\b\"", "a\\b|"},
        {"'a\\'", "a\\|"},
        {"\"\\$\\`\\\\\"", "$`\\|"},
        {"a\\\nb", "ab|"},
        {"a \\\n b", "a|b|"},
        {"\"a\\\nb\"", "ab|"},
        {"'a\nb'", "a\nb|"},
        {"\\$x \\; \\# \\~", "$x|;|#|~|"},
        {"';' \"&\" '<>' '*'", ";|&|<>|*|"},
        {"a#b a~ =~", "a#b|a~|=~|"},
        {"A=b c", "A=b|c|"},
        {"A='b c'", "A=b c|"},
        {"'' '' a", "||a|"},
        {"{a,b} } !", "{a,b}|}|!|"},
        {"\xC3\xA9 '\xFF'", "\xC3\xA9|\xFF|"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text words = {.data = NULL};
        split(rows[i].line, &words);
        assert_string_equal(text_string(&words), rows[i].words);
    }
}

static void what_a_shell_would_act_on_is_refused_where_it_stands(void **state) {
    static const struct {
        const char *line;
        enum words_result result;
        size_t offset;
    } rows[] = {
        {"a;b", WORDS_SHELL_SYNTAX, 1},
        {"a && b", WORDS_SHELL_SYNTAX, 2},
        {"a | b", WORDS_SHELL_SYNTAX, 2},
        {"a > b", WORDS_SHELL_SYNTAX, 2},
        {"a 2>b", WORDS_SHELL_SYNTAX, 3},
        {"a <b", WORDS_SHELL_SYNTAX, 2},
        {"a\nb", WORDS_SHELL_SYNTAX, 1},
        {"(a)", WORDS_SHELL_SYNTAX, 0},
        {"a $b", WORDS_SHELL_SYNTAX, 2},
        {"a\"$b\"", WORDS_SHELL_SYNTAX, 2},
        {"`a`", WORDS_SHELL_SYNTAX, 0},
        {"\"`a`\"", WORDS_SHELL_SYNTAX, 1},
        {"a*", WORDS_SHELL_SYNTAX, 1},
        {"a?", WORDS_SHELL_SYNTAX, 1},
        {"[a]", WORDS_SHELL_SYNTAX, 0},
        {"# a", WORDS_SHELL_SYNTAX, 0},
        {"a ~/b", WORDS_SHELL_SYNTAX, 2},
        {"a 'b", WORDS_OPEN_QUOTE, 2},
        {"a b\"c", WORDS_OPEN_QUOTE, 3},
        {"a\\", WORDS_OPEN_QUOTE, 1},
        {"\"a\\", WORDS_OPEN_QUOTE, 2},
        {"$'a'", WORDS_SHELL_SYNTAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STRING_LIST struct string_list words = {.items = NULL};
        size_t offset = 99;
        string_list_append(&words, "before");
        assert_int_equal(words_split(rows[i].line, &words, &offset), rows[i].result);
        assert_int_equal(offset, rows[i].offset);
        assert_int_equal(words.count, 1);
    }
}

static void joined_words_split_into_the_same(void **state) {
    char *words[] = {(char[]){""}, (char[]){"a b"}, (char[]){"it's"}, (char[]){"$x;`y`"},
        (char[]){"\n\t"}, (char[]){"\\"}, (char[]){"'"}, (char[]){"\""},
        (char[]){"plain-1_@%+=:,./"}, (char[]){"\x80\xFF"}, (char[]){"~"}, (char[]){"#"},
        (char[]){"'''"}};
    AUTO_TEXT struct text line = {.data = NULL};
    AUTO_STRING_LIST struct string_list again = {.items = NULL};
    size_t offset = 0;
    (void)state;
    words_join(words, ARRAY_LENGTH(words), &line);
    assert_int_equal(words_split(text_string(&line), &again, &offset), WORDS_OK);
    assert_int_equal(again.count, ARRAY_LENGTH(words));
    for (size_t i = 0; i < again.count; i++) {
        assert_string_equal(again.items[i], words[i]);
    }
}

static void nothing_behind_the_line_is_read(void **state) {
    static const char *const lines[] = {"", " ", "a", "'", "\"", "\\", "a\\", "\"\\", "'a'",
        "\"a\"", "2", "2>", "&", ";", "$", "a b", "\\\n", "12", "<", "&&", ";;"};
    (void)state;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        AUTO_STRING_LIST struct string_list words = {.items = NULL};
        size_t length = strlen(lines[i]) + 1;
        size_t offset = 0;
        enum words_result result =
            words_split(memcpy(pages + size - length, lines[i], length), &words, &offset);
        assert_true(result == WORDS_OK || offset < length);
    }
    assert_int_equal(munmap(pages, 2 * size), 0);
}

static void servers_are_read_from_lines_and_semicolons(void **state) {
    struct server_list servers = {.items = NULL};
    struct error error;
    (void)state;
    assert_int_equal(
        server_list_append_joined(&servers, "bin/boot; ;'bin/my app' web\n\nfoo\n", &error), 0);
    assert_int_equal(servers.count, 3);
    assert_string_equal(servers.items[0].items[0], "bin/boot");
    assert_string_equal(servers.items[1].items[0], "bin/my app");
    assert_string_equal(servers.items[1].items[1], "web");
    assert_string_equal(servers.items[2].items[0], "foo");
    server_list_release(&servers);
}

static void a_server_that_is_no_words_is_an_error(void **state) {
    static const struct {
        const char *line;
        const char *text;
    } rows[] = {
        {"", "a server's words are empty"},
        {"a 'b", "a quote is not closed in: a 'b"},
        {"a $b", "a server is named by the words it begins with, and '$' is shell: a $b"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct server_list servers = {.items = NULL};
        struct error error;
        assert_int_equal(server_list_append(&servers, rows[i].line, &error), -1);
        assert_string_equal(error.text, rows[i].text);
        assert_int_equal(error.exit_status, 64);
        assert_int_equal(servers.count, 0);
        server_list_release(&servers);
    }
}

static void steps_have_assignments_and_are_joined(void **state) {
    struct step_list steps = {.items = NULL};
    struct error error;
    (void)state;
    assert_int_equal(step_list_append_joined(
                         &steps, "A=1 B='2 3' bin/rails db:prepare && sh -c 'a && b'", &error),
        0);
    assert_int_equal(steps.count, 2);
    assert_int_equal(steps.items[0].assignments.count, 2);
    assert_string_equal(steps.items[0].assignments.items[1], "B=2 3");
    assert_string_equal(steps.items[0].argv.items[0], "bin/rails");
    assert_string_equal(steps.items[1].argv.items[2], "a && b");
    step_list_release(&steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_is_that_of_a_shell_without_its_expansions),
        cmocka_unit_test(what_a_shell_would_act_on_is_refused_where_it_stands),
        cmocka_unit_test(joined_words_split_into_the_same),
        cmocka_unit_test(nothing_behind_the_line_is_read),
        cmocka_unit_test(servers_are_read_from_lines_and_semicolons),
        cmocka_unit_test(a_server_that_is_no_words_is_an_error),
        cmocka_unit_test(steps_have_assignments_and_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
