/*
 * What a ledger of runs says about one fingerprint.
 */
#include "unit.h"

#include "prepare/file/file_look.h"

/* A run a word: its state's first letter (`d` for one whose step a signal ended), then what its
 * fingerprint is. */
static void make(const char *words, struct file_ledger *ledger) {
    static const struct {
        char letter;
        const char *state;
        const char *exit_status;
    } kinds[] = {{'r', "running", ""}, {'s', "succeeded", "0"}, {'f', "failed", "7"},
        {'i', "interrupted", ""}, {'d', "interrupted", "137"}};
    *ledger = (struct file_ledger){.runs = NULL};
    for (const char *at = words; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
            if (kinds[i].letter == *at) {
                const char fingerprint[] = {at[1], '\0'};
                struct file_run *run = file_ledger_append(ledger);
                file_ledger_run_set(run, COLUMN_STATE, kinds[i].state);
                file_ledger_run_set(run, COLUMN_EXIT_STATUS, kinds[i].exit_status);
                file_ledger_run_set(run, COLUMN_FINGERPRINT, fingerprint);
            }
        }
    }
}

static void a_look_finds(void **state) {
    (void)state;
    static const struct {
        const char *runs;
        int newest;
        int holder;
        int latest;
        int failures;
        int deaths;
    } rows[] = {
        {"", 0, 0, 0, 0, 0},
        {"sA", 1, 0, 1, 0, 0},
        {"sB", 0, 0, 1, 0, 0},
        {"sA sB", 1, 0, 2, 0, 0},
        {"sA rB", 1, 2, 1, 0, 0},
        {"fA rA", 2, 2, 0, 1, 0},
        {"fA fA fB fA", 4, 0, 0, 3, 0},
        {"fA sA fA", 3, 0, 2, 1, 0},
        {"fA iA fA", 3, 0, 0, 2, 0},
        {"dA dA", 2, 0, 0, 0, 2},
        {"dA fA dA", 3, 0, 0, 1, 1},
        {"dA sA dA iA", 4, 0, 2, 0, 1},
        {"dA dA iA", 3, 0, 0, 0, 2},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_FILE_LEDGER struct file_ledger ledger;
        struct look look;
        make(rows[i].runs, &ledger);
        file_look_newest(&ledger, "A", 0, &look);
        if (look.newest.id != rows[i].newest || look.holder.id != rows[i].holder ||
            look.latest.id != rows[i].latest || look.failures != rows[i].failures ||
            look.deaths != rows[i].deaths) {
            fail_msg("`%s`: newest %d, holder %d, latest %d, %d failures, %d deaths", rows[i].runs,
                (int)look.newest.id, (int)look.holder.id, (int)look.latest.id, look.failures,
                look.deaths);
        }
    }
}

static void a_run_on_a_new_database_is_unfinished_until_one_succeeds(void **state) {
    (void)state;
    AUTO_FILE_LEDGER struct file_ledger ledger;
    struct look look;
    make("iA rA", &ledger);
    file_ledger_run_set(&ledger.runs[0], COLUMN_INITIALISES, "t");
    file_ledger_run_set(&ledger.runs[1], COLUMN_INITIALISES, "t");
    file_look_newest(&ledger, "A", 0, &look);
    assert_int_equal(look.unfinished.id, 1);
    file_ledger_run_set(&ledger.runs[1], COLUMN_STATE, run_state_name(RUN_SUCCEEDED));
    file_look_newest(&ledger, "A", 0, &look);
    assert_int_equal(look.unfinished.id, 0);
}

static void times_are_for_people_and_never_negative(void **state) {
    (void)state;
    static const int64_t noon_ms = 1795262400123;
    char moment[RUN_MOMENT_LENGTH];
    struct run run;
    AUTO_FILE_LEDGER struct file_ledger ledger;
    make("sA", &ledger);
    file_look_format_moment(noon_ms, moment);
    assert_string_equal(moment, "2026-11-21T12:00:00.123Z");
    file_ledger_run_set(&ledger.runs[0], COLUMN_STARTED, "2026-11-21T11:00:00.000Z");
    file_look_read_run(&ledger.runs[0], noon_ms, &run);
    assert_int_equal(run.age_ms, 3600123);
    file_ledger_run_set(&ledger.runs[0], COLUMN_FINISHED, moment);
    file_look_read_run(&ledger.runs[0], noon_ms + 5000, &run);
    assert_int_equal(run.age_ms / 1000, 5);
    file_look_read_run(&ledger.runs[0], noon_ms - 3600000, &run);
    assert_int_equal(run.age_ms, 0);
    file_ledger_run_set(&ledger.runs[0], COLUMN_FINISHED, "yesterday");
    file_look_read_run(&ledger.runs[0], noon_ms, &run);
    assert_int_equal(run.age_ms, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_finds),
        cmocka_unit_test(a_run_on_a_new_database_is_unfinished_until_one_succeeds),
        cmocka_unit_test(times_are_for_people_and_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
