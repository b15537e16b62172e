/*
 * Whether a step runs again: why it failed, by test/vectors/passing_failures.tsv, and when.
 */
#include "unit.h"

#include "prepare/protocol/retry.h"
#include "signalbox/base/text.h"
#include "vectors.h"

static void check(const struct vector_row *row) {
    static const char *const words[] = {[RETRY_CAUSE_LASTS] = "lasts",
        [RETRY_CAUSE_LOCK] = "lock",
        [RETRY_CAUSE_DEADLOCK] = "deadlock",
        [RETRY_CAUSE_SERIALIZATION] = "serialization"};
    AUTO_TEXT struct text lines = {.data = NULL};
    vectors_unescape(row->columns[1], &lines);
    const char *found = words[retry_find_cause(text_string(&lines))];
    if (strcmp(found, row->columns[0]) != 0) {
        fail_msg("passing_failures.tsv:%u: %s", row->line, found);
    }
}

static void what_passes_is_known_by_its_names(void **state) {
    (void)state;
    assert_true(vectors_read("passing_failures.tsv", check) > 25);
}

static void a_step_runs_again_while_there_are_tries_and_time(void **state) {
    (void)state;
    static const struct {
        struct retry_facts facts;
        bool runs;
        int64_t pause_ms;
    } rows[] = {
        {{.cause = RETRY_CAUSE_LOCK, .tries = 1, .retries = 1, .timeout_ms = -1}, true, 500},
        {{.cause = RETRY_CAUSE_DEADLOCK, .tries = 1, .retries = 1, .timeout_ms = -1, .random = 999},
            true, 999},
        {{.cause = RETRY_CAUSE_SERIALIZATION, .tries = 2, .retries = 2, .timeout_ms = -1}, true,
            1000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 3, .retries = 9, .timeout_ms = -1}, true, 2000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 5, .retries = 9, .timeout_ms = -1}, true, 8000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 6, .retries = 9, .timeout_ms = -1}, true, 15000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 100, .retries = 100, .timeout_ms = -1}, true, 15000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 2, .retries = 1, .timeout_ms = -1}, false, 1000},
        {{.cause = RETRY_CAUSE_LOCK, .tries = 1, .retries = 0, .timeout_ms = -1}, false, 500},
        {{.cause = RETRY_CAUSE_LASTS, .tries = 1, .retries = 9, .timeout_ms = -1}, false, 500},
        /* The time is that of all tries, and a try needs some. */
        {{.cause = RETRY_CAUSE_LOCK,
             .tries = 1,
             .retries = 9,
             .elapsed_ms = 499,
             .timeout_ms = 1000},
            true, 500},
        {{.cause = RETRY_CAUSE_LOCK,
             .tries = 1,
             .retries = 9,
             .elapsed_ms = 500,
             .timeout_ms = 1000},
            false, 500},
        {{.cause = RETRY_CAUSE_LOCK,
             .tries = 1,
             .retries = 9,
             .elapsed_ms = 1200,
             .timeout_ms = 1000},
            false, 500},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t pause_ms = -1;
        assert_int_equal(retry_decide(&rows[i].facts, &pause_ms), rows[i].runs);
        assert_int_equal(pause_ms, rows[i].pause_ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_known_by_its_names),
        cmocka_unit_test(a_step_runs_again_while_there_are_tries_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
