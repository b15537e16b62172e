/*
 * The ledger as text: what is written is read again, and nothing that is damaged is believed.
 */
#include "unit.h"

#include <stdlib.h>

#include "prepare/file/file_ledger.h"
#include "signalbox/base/text.h"

static void add(struct file_ledger *ledger, const char *state, const char *fingerprint) {
    struct file_run *run = file_ledger_append(ledger);
    file_ledger_run_set(run, COLUMN_STATE, state);
    file_ledger_run_set(run, COLUMN_FINGERPRINT, fingerprint);
}

static void sample(struct file_ledger *ledger) {
    *ledger = (struct file_ledger){.runs = NULL};
    add(ledger, "failed", "aaaa");
    add(ledger, "succeeded", "aaaa");
    add(ledger, "running", "bbbb");
    file_ledger_run_set(&ledger->runs[0], COLUMN_OUTPUT, "two lines\nand a\ttab \\ \r\n");
    file_ledger_run_set(&ledger->runs[0], COLUMN_EXIT_STATUS, "7");
    file_ledger_run_set(&ledger->runs[1], COLUMN_HOST, "web-1");
}

static void what_is_written_is_read_again(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger;
    AUTO_FILE_LEDGER struct file_ledger again;
    AUTO_TEXT struct text text = {.data = NULL};
    sample(&ledger);
    file_ledger_format(&ledger, &text);
    assert_null(file_ledger_parse(text.data, text.length, &again));
    assert_int_equal(again.count, 3);
    for (size_t i = 0; i < again.count; i++) {
        assert_int_equal(file_ledger_run_id(&again.runs[i]), i + 1);
        for (size_t column = 0; column < COLUMN_COUNT; column++) {
            assert_string_equal(again.runs[i].fields[column], ledger.runs[i].fields[column]);
        }
    }
}

static void an_empty_ledger_is_a_ledger(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    AUTO_FILE_LEDGER struct file_ledger again;
    AUTO_TEXT struct text text = {.data = NULL};
    file_ledger_format(&ledger, &text);
    assert_null(file_ledger_parse(text.data, text.length, &again));
    assert_int_equal(again.count, 0);
}

/* Each in memory of exactly its length, so that a byte read behind it shows. */
static const char *parse_exactly(const char *bytes, size_t length) {
    AUTO_FILE_LEDGER struct file_ledger ledger;
    AUTO_FREE char *exact = malloc(length == 0 ? 1 : length);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    const char *problem = file_ledger_parse(exact, length, &ledger);
    assert_true(problem == NULL || ledger.count == 0);
    return problem;
}

static void a_ledger_that_is_cut_off_anywhere_is_none(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger;
    AUTO_TEXT struct text text = {.data = NULL};
    sample(&ledger);
    file_ledger_format(&ledger, &text);
    for (size_t length = 0; length < text.length; length++) {
        assert_non_null(parse_exactly(text.data, length));
    }
    assert_null(parse_exactly(text.data, text.length));
    text_append_string(&text, "\n");
    assert_non_null(parse_exactly(text.data, text.length));
}

static void a_ledger_with_any_byte_changed_is_none(void **state) {
    (void)state;
    static const char changes[] = {'\0', '\n', '\t', 'x'};
    AUTO_FILE_LEDGER struct file_ledger ledger;
    AUTO_TEXT struct text text = {.data = NULL};
    sample(&ledger);
    file_ledger_format(&ledger, &text);
    for (size_t at = 0; at < text.length; at++) {
        char original = text.data[at];
        for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
            text.data[at] = changes[i];
            if (changes[i] != original) {
                assert_non_null(parse_exactly(text.data, text.length));
            }
        }
        text.data[at] = original;
    }
}

/* The last line as format writes it, for texts that only another version would write. */
static void finish(struct text *text, size_t runs) {
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < text->length; i++) {
        sum = (sum ^ (unsigned char)text->data[i]) * 1099511628211U;
    }
    text_append_format(text, "end\t%zu\t%016llx\n", runs, (unsigned long long)sum);
}

static void columns_are_known_by_their_names(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger;
    AUTO_TEXT struct text text = {.data = NULL};
    text_append_string(&text,
        "signalbox ledger 1\n"
        "state\tfingerprint\tof a later version\tid\n"
        "succeeded\taaaa\twhatever\t7\n");
    finish(&text, 1);
    assert_null(file_ledger_parse(text.data, text.length, &ledger));
    assert_int_equal(ledger.count, 1);
    assert_int_equal(file_ledger_run_id(&ledger.runs[0]), 7);
    assert_int_equal(file_ledger_run_state(&ledger.runs[0]), RUN_SUCCEEDED);
    assert_string_equal(ledger.runs[0].fields[COLUMN_FINGERPRINT], "aaaa");
    assert_string_equal(ledger.runs[0].fields[COLUMN_HOST], "");
    assert_int_equal(file_ledger_run_id(file_ledger_append(&ledger)), 8);
}

static void what_makes_no_sense_is_none(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t runs;
        const char *problem;
    } rows[] = {
        {"signalbox ledger 2\nid\tfingerprint\tstate\n", 0, "is not a ledger of this version"},
        {"signalbox ledger 1\nid\tstate\n", 0, "is damaged or cut off"},
        {"signalbox ledger 1\nid\tid\tfingerprint\tstate\nx\t1\ta\tfailed\n", 1,
            "is damaged or cut off"},
        {"signalbox ledger 1\nid\tfingerprint\tstate\n1\ta\tdone\n", 1, "is damaged or cut off"},
        {"signalbox ledger 1\nid\tfingerprint\tstate\n0\ta\tfailed\n", 1, "is damaged or cut off"},
        {"signalbox ledger 1\nid\tfingerprint\tstate\n1\ta\n", 1, "is damaged or cut off"},
        {"signalbox ledger 1\nid\tfingerprint\tstate\n1\ta\tfailed\tx\n", 1,
            "is damaged or cut off"},
        {"signalbox ledger 1\nid\tfingerprint\tstate\n2\ta\tfailed\n2\ta\tfailed\n", 2,
            "is damaged or cut off"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_FILE_LEDGER struct file_ledger ledger;
        AUTO_TEXT struct text text = {.data = NULL};
        text_append_string(&text, rows[i].text);
        finish(&text, rows[i].runs);
        const char *problem = file_ledger_parse(text.data, text.length, &ledger);
        if (problem == NULL || strcmp(problem, rows[i].problem) != 0) {
            fail_msg("row %zu: %s", i, problem == NULL ? "taken" : problem);
        }
        assert_int_equal(ledger.count, 0);
    }
}

static void old_runs_are_pruned_and_each_newest_success_stays(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    char fingerprint[16];
    add(&ledger, "succeeded", "dropped, being number 1001");
    add(&ledger, "succeeded", "f0"); /* Not the newest of its fingerprint. */
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(fingerprint, sizeof fingerprint, "f%d", i);
        add(&ledger, "succeeded", fingerprint);
    }
    for (int i = 0; i < 150; i++) {
        add(&ledger, i % 2 == 0 ? "failed" : "interrupted", "f0");
    }
    add(&ledger, "running", "f0");
    file_ledger_prune(&ledger);
    assert_int_equal(ledger.count, 1100);
    assert_string_equal(ledger.runs[0].fields[COLUMN_FINGERPRINT], "f0");
    assert_int_equal(file_ledger_run_id(&ledger.runs[0]), 3);
    assert_string_equal(ledger.runs[999].fields[COLUMN_FINGERPRINT], "f999");
    assert_int_equal(file_ledger_run_state(&ledger.runs[1099]), RUN_RUNNING);
    assert_int_equal(file_ledger_run_id(&ledger.runs[1000]), 1002 + 150 + 1 - 99);
    file_ledger_prune(&ledger);
    assert_int_equal(ledger.count, 1100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(an_empty_ledger_is_a_ledger),
        cmocka_unit_test(a_ledger_that_is_cut_off_anywhere_is_none),
        cmocka_unit_test(a_ledger_with_any_byte_changed_is_none),
        cmocka_unit_test(columns_are_known_by_their_names),
        cmocka_unit_test(what_makes_no_sense_is_none),
        cmocka_unit_test(old_runs_are_pruned_and_each_newest_success_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
