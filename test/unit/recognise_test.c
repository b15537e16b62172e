/*
 * What commands are taken for, against two tables that are read without C, and what no table can
 * say: that nothing behind argv is read, and that no command line keeps the walk busy for long.
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

#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"
#include "signalbox/command/words.h"
#include "vectors.h"

static unsigned failures;

static void note_failure(const struct vector_row *row, const char *what, const char *wanted,
    const char *found, const char *rule) {
    failures++;
    (void)fprintf(stderr, "line %u: %s: %s is '%s', not '%s' (%s)\n", row->line, row->columns[1],
        what, found, wanted, rule);
}

static void check_kind(const struct vector_row *row) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    char *nothing[] = {NULL};
    struct server_list servers = {.items = NULL};
    struct step_list steps = {.items = NULL};
    struct error error;
    const char *step = row->columns[3][0] == '\0' ? "./bin/rails db:prepare" : row->columns[3];
    if (!json_words(row->columns[1], &words) ||
        server_list_append_joined(&servers, row->columns[2], &error) != 0 ||
        step_list_append_joined(&steps, step, &error) != 0) {
        note_failure(row, "the row", "a row", "not one", "");
        return;
    }
    struct recognition_request request = {
        .argv = words.count == 0 ? nothing : words.items, .servers = &servers, .steps = &steps};
    struct recognition recognition;
    recognise_command(&request, &recognition);
    if (strcmp(recognise_kind_name(recognition.kind), row->columns[0]) != 0) {
        note_failure(row, "the kind", row->columns[0], recognise_kind_name(recognition.kind),
            recognition.rule);
    }
    assert_true(words.count == 0 || recognition.word < words.count);
    recognise_release(&recognition);
    server_list_release(&servers);
    step_list_release(&steps);
}

static void every_command_is_what_the_table_says(void **state) {
    (void)state;
    failures = 0;
    assert_true(vectors_read("recognise.tsv", check_kind) > 1000);
    assert_int_equal(failures, 0);
}

static void list_words(const struct string_list *list, struct text *json) {
    text_append_string(json, "[");
    for (size_t i = 0; i < list->count; i++) {
        text_append_string(json, i == 0 ? "\"" : ", \"");
        for (const char *byte = list->items[i]; *byte != '\0'; byte++) {
            text_append_string(json, *byte == '"' || *byte == '\\' ? "\\" : "");
            text_append(json, byte, 1);
        }
        text_append_string(json, "\"");
    }
    text_append_string(json, "]");
}

static void check_words(const struct vector_row *row, const char *what, const char *wanted,
    const struct string_list *found, const char *rule) {
    AUTO_TEXT struct text json = {.data = NULL};
    list_words(found, &json);
    if (strcmp(text_string(&json), wanted) != 0) {
        note_failure(row, what, wanted, text_string(&json), rule);
    }
}

static void add_flag(struct text *flags, bool is_set, const char *name) {
    if (is_set) {
        text_append_format(flags, "%s%s", flags->length == 0 ? "" : " ", name);
    }
}

static void check_recognition(const struct vector_row *row, const struct recognition *recognition) {
    const struct context *around = &recognition->around;
    AUTO_TEXT struct text flags = {.data = NULL};
    add_flag(&flags, around->has_secrets_tool, "secrets");
    add_flag(&flags, around->is_prefix_partial, "partial");
    add_flag(&flags, around->clears_environment, "clears");
    add_flag(&flags, recognition->is_versioned, "versioned");
    add_flag(&flags, recognition->is_step, "step");
    add_flag(&flags, around->asked != NULL, "asked");
    if (around->unknown != NULL) {
        text_append_format(&flags, " unknown=%zu-%zu", around->unknown_from, around->unknown_to);
    }
    add_flag(&flags, around->left_out != NULL, "left_out");
    add_flag(&flags, recognition->is_manager, "manager");
    const struct {
        const char *what;
        const char *found;
    } columns[] = {
        {"the kind", recognise_kind_name(recognition->kind)},
        {"the environment", recognition->environment},
        {"its source", recognise_source_name(recognition->environment_source)},
        {"the user", around->user == NULL ? "-" : around->user},
        {"the directory", around->directory == NULL ? "-" : around->directory},
        {"the flags", flags.length == 0 ? "-" : text_string(&flags)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        if (strcmp(columns[i].found, row->columns[3 + i]) != 0) {
            note_failure(
                row, columns[i].what, row->columns[3 + i], columns[i].found, recognition->rule);
        }
    }
    check_words(row, "the prefix", row->columns[9], &around->prefix, recognition->rule);
    check_words(row, "the changes", row->columns[10], &around->changes, recognition->rule);
}

static void check_surroundings(const struct vector_row *row) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct step_list steps = {.items = NULL};
    struct error error;
    bool is_known = strcmp(row->columns[2], "-") != 0;
    for (char *rest = row->columns[2], *variable = NULL;
         is_known && (variable = strsep(&rest, " ")) != NULL;) {
        string_list_append(&environment, variable);
    }
    if (!json_words(row->columns[1], &words) ||
        step_list_append(&steps, "./bin/rails db:prepare", &error) != 0) {
        note_failure(row, "the row", "a row", "not one", "");
        return;
    }
    struct recognition_request request = {
        .argv = words.items, .steps = &steps, .environment = is_known ? environment.items : NULL};
    struct recognition recognition;
    recognise_command(&request, &recognition);
    check_recognition(row, &recognition);
    recognise_release(&recognition);
    step_list_release(&steps);
}

static void what_lies_around_the_program_is_learned(void **state) {
    (void)state;
    failures = 0;
    assert_true(vectors_read("learned.tsv", check_surroundings) > 100);
    assert_int_equal(failures, 0);
}

static enum command_kind kind_of(char *const argv[]) {
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&(struct recognition_request){.argv = argv}, &recognition);
    return recognition.kind;
}

/* A page that can be used up to its last byte, and one behind it that cannot be touched. */
static char *guarded_page(size_t size) {
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
    return pages;
}

static void nothing_behind_the_words_is_read(void **state) {
    static const char *const strings[] = {"", "-", "--", "-c", "$", "${", "$(", "`", "\"", "'",
        "\\", "a\\", "<", ">", "2>", "&", "a=", "rails s", "rails s 2", "$'", "$\"", "${A:-",
        "case x in", "[[", "((", "bundle exec puma -e", "_", "_1_", "env -S", "--foo="};
    static const char *const heads[][3] = {{"sh", "-c", NULL}, {"env", "-S", NULL},
        {"timeout", NULL, NULL}, {NULL, NULL, NULL}, {"gosu", "app", NULL}, {"nice", NULL, NULL},
        {"rails", "server", NULL}, {"foo", "bundle", NULL}, {"su", "app", "-c"}};
    (void)state;
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *text = guarded_page(size);
    char *pointers = guarded_page(size);
    for (size_t head = 0; head < ARRAY_LENGTH(heads); head++) {
        for (size_t i = 0; i < ARRAY_LENGTH(strings); i++) {
            size_t length = strlen(strings[i]) + 1;
            char *word = memcpy(text + size - length, strings[i], length);
            char *argv[5] = {NULL};
            size_t count = 0;
            while (count < 3 && heads[head][count] != NULL) {
                argv[count] = string_copy(heads[head][count]);
                count++;
            }
            argv[count] = word;
            size_t bytes = (count + 2) * sizeof argv[0];
            char *place = memcpy(pointers + size - bytes, argv, bytes);
            (void)kind_of((char *const *)(void *)place);
            for (size_t copy = 0; copy < count; copy++) {
                free(argv[copy]);
            }
        }
    }
    assert_int_equal(munmap(text, 2 * size), 0);
    assert_int_equal(munmap(pointers, 2 * size), 0);
}

static enum command_kind kind_of_nested(unsigned depth) {
    AUTO_FREE char *string = string_copy("rails s");
    for (unsigned i = 0; i < depth; i++) {
        AUTO_TEXT struct text quoted = {.data = NULL};
        char *words[] = {string};
        text_append_string(&quoted, "sh -c ");
        words_join(words, 1, &quoted);
        free(string);
        string = string_copy(text_string(&quoted));
    }
    return kind_of((char *[]){(char[]){"sh"}, (char[]){"-c"}, string, NULL});
}

static void shell_strings_are_followed_eight_deep(void **state) {
    (void)state;
    assert_int_equal(kind_of_nested(6), COMMAND_SERVER);
    assert_int_equal(kind_of_nested(7), COMMAND_SERVER);
    assert_int_equal(kind_of_nested(8), COMMAND_OTHER);
}

static void substitutions_are_followed_thirty_two_deep(void **state) {
    (void)state;
    for (unsigned depth = 31; depth <= 33; depth++) {
        AUTO_TEXT struct text string = {.data = NULL};
        text_append_string(&string, "echo ");
        for (unsigned i = 0; i < depth; i++) {
            text_append_string(&string, "$(");
        }
        for (unsigned i = 0; i < depth; i++) {
            text_append_string(&string, ")");
        }
        text_append_string(&string, "; rails s");
        assert_int_equal(kind_of((char *[]){(char[]){"sh"}, (char[]){"-c"}, string.data, NULL}),
            depth <= 32 ? COMMAND_SERVER : COMMAND_OTHER);
    }
}

static void a_command_that_multiplies_itself_ends_as_other(void **state) {
    enum { LEVELS = 7, LAST = 3 * LEVELS };
    char again[] = "\"$0\" \"$@\"; \"$0\" \"$@\"; \"$0\" \"$@\"; \"$0\" \"$@\";"
                   "\"$0\" \"$@\"; \"$0\" \"$@\"; \"$0\" \"$@\"; \"$0\" \"$@\"";
    char shell[] = "sh";
    char option[] = "-c";
    char last[] = "true";
    char *argv[LAST + 2] = {NULL};
    (void)state;
    for (size_t i = 0; i < LAST; i += 3) {
        argv[i] = shell;
        argv[i + 1] = option;
        argv[i + 2] = again;
    }
    argv[LAST] = last;
    /* Behind all of that nobody looks any more. */
    AUTO_TEXT struct text first = {.data = NULL};
    text_append_format(&first, "%s; puma", again);
    argv[2] = first.data;
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&(struct recognition_request){.argv = argv}, &recognition);
    assert_int_equal(recognition.kind, COMMAND_OTHER);
}

static void a_very_long_command_line_ends(void **state) {
    enum { WORDS = 100000 };
    static char bundle[] = "bundle";
    static char exec[] = "exec";
    static char foo[] = "foo";
    (void)state;
    AUTO_FREE char **argv = memory_allocate(WORDS + 1, sizeof *argv);
    for (size_t i = 0; i < WORDS; i++) {
        argv[i] = i % 3 == 0 ? foo : i % 3 == 1 ? bundle : exec;
    }
    assert_int_equal(kind_of(argv), COMMAND_OTHER);
}

static void the_word_that_decided_and_the_reason_are_told(void **state) {
    (void)state;
    char *argv[] = {(char[]){"tini"}, (char[]){"--"}, (char[]){"bundle"}, (char[]){"exec"},
        (char[]){"thrust"}, (char[]){"bin/rails"}, (char[]){"server"}, NULL};
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&(struct recognition_request){.argv = argv}, &recognition);
    assert_int_equal(recognition.word, 5);
    assert_string_equal(recognition.rule, "`rails server` behind `tini`, `bundle exec`, `thrust`");
}

static void a_reason_that_is_too_long_is_cut(void **state) {
    (void)state;
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char *argv[] = {(char[]){"tini"}, name, NULL};
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&(struct recognition_request){.argv = argv}, &recognition);
    assert_true(strlen(recognition.rule) < sizeof recognition.rule);
    assert_non_null(strstr(recognition.rule, "is not a server we know, behind `tini`"));
}

static void assert_known(char *const argv[], const char *asked, const char *prefix) {
    AUTO_RECOGNITION struct recognition recognition;
    AUTO_TEXT struct text words = {.data = NULL};
    AUTO_STRING_LIST struct string_list wrapped = {.items = NULL};
    struct context known;
    recognise_command(&(struct recognition_request){.argv = argv}, &recognition);
    context_copy_known(&recognition.around, &known);
    context_wrap(&known, (char *[]){(char[]){"x"}}, 1, &wrapped);
    words_join(wrapped.items, wrapped.count, &words);
    assert_string_equal(text_string(&words), prefix);
    assert_string_equal(known.asked == NULL ? "-" : known.asked, asked);
    assert_null(known.unknown);
    context_release(&known);
}

static void what_no_table_knows_can_be_left_out(void **state) {
    (void)state;
    assert_known((char *[]){(char[]){"bin/entry"}, (char[]){"-v"}, (char[]){"rails"},
                     (char[]){"server"}, NULL},
        "-", "x");
    assert_known((char *[]){(char[]){"chpst"}, (char[]){"-e"}, (char[]){"d"}, (char[]){"entry"},
                     (char[]){"bundle"}, (char[]){"exec"}, (char[]){"sops"}, (char[]){"exec-env"},
                     (char[]){"f"}, (char[]){"puma"}, NULL},
        "`chpst`", "chpst -e d sops exec-env f x");
    assert_known((char *[]){(char[]){"entry"}, (char[]){"bundle"}, (char[]){"exec"},
                     (char[]){"dotenv"}, (char[]){"puma"}, NULL},
        "`dotenv`", "bundle exec dotenv x");
    assert_known((char *[]){(char[]){"dotenv"}, (char[]){"puma"}, NULL}, "`dotenv`", "dotenv x");
}

static void assert_label(char *const argv[], const char *label) {
    AUTO_RECOGNITION struct recognition recognition;
    AUTO_STEP_LIST struct step_list steps = {.items = NULL};
    AUTO_STEP_LIST struct step_list made = {.items = NULL};
    struct error error;
    assert_int_equal(step_list_append(&steps, "bin/rails db:prepare", &error), 0);
    recognise_command(&(struct recognition_request){.argv = argv, .steps = &steps}, &recognition);
    if (recognition.kind == COMMAND_PREPARE) {
        step_list_append_command(&made, argv, recognition.word);
    } else {
        recognise_wrap_steps(
            &recognition, &steps, recognition.environment, recognition.environment_source, &made);
    }
    assert_string_equal(made.items[0].label, label);
}

static void a_label_has_no_word_of_a_wrapper_and_no_shell_text(void **state) {
    static const char behind[] = "bin/rails db:prepare (behind the command's own wrapper)";
    (void)state;
    assert_label((char *[]){(char[]){"rails"}, (char[]){"s"}, NULL}, "bin/rails db:prepare");
    assert_label((char *[]){(char[]){"mytool"}, (char[]){"--pin"}, (char[]){"hunter22"},
                     (char[]){"rails"}, (char[]){"server"}, NULL},
        behind);
    assert_label((char *[]){(char[]){"sh"}, (char[]){"-c"},
                     (char[]){"export U=$(curl -u a:hunter22 x); exec rails s"}, NULL},
        behind);
    assert_label(
        (char *[]){(char[]){"bin/rails"}, (char[]){"db:prepare"}, NULL}, "bin/rails db:prepare");
    assert_label((char *[]){(char[]){"env"}, (char[]){"A=hunter22"}, (char[]){"bin/rails"},
                     (char[]){"db:prepare"}, NULL},
        behind);
    assert_label((char *[]){(char[]){"sh"}, (char[]){"-c"},
                     (char[]){": ${P:=hunter22}; exec bin/rails db:prepare"}, NULL},
        "`sh` with a text of its own");
    assert_label((char *[]){(char[]){"sh"}, (char[]){"-c"},
                     (char[]){"export U=$(curl -u a:hunter22 x); exec \"$@\""}, (char[]){"sh"},
                     (char[]){"bin/rails"}, (char[]){"db:prepare"}, NULL},
        behind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_what_the_table_says),
        cmocka_unit_test(what_lies_around_the_program_is_learned),
        cmocka_unit_test(nothing_behind_the_words_is_read),
        cmocka_unit_test(shell_strings_are_followed_eight_deep),
        cmocka_unit_test(substitutions_are_followed_thirty_two_deep),
        cmocka_unit_test(a_command_that_multiplies_itself_ends_as_other),
        cmocka_unit_test(a_very_long_command_line_ends),
        cmocka_unit_test(the_word_that_decided_and_the_reason_are_told),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut),
        cmocka_unit_test(what_no_table_knows_can_be_left_out),
        cmocka_unit_test(a_label_has_no_word_of_a_wrapper_and_no_shell_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
