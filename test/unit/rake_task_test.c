/*
 * Which commands are for the lock, which of them are recorded, and what a command does outside of
 * it although it is for it.
 */
#include "unit.h"

#include "command/database_task.h"
#include "signalbox/base/string_list.h"
#include "signalbox/command/recognise.h"
#include "vectors.h"

static unsigned failures;

static const char *outcome(const struct recognition *recognition) {
    if (recognition->kind != COMMAND_PREPARE) {
        return "-";
    }
    return recognition->is_step && !recognition->is_versioned ? "step" : "part";
}

static void check(const struct vector_row *row) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    AUTO_STEP_LIST struct step_list steps = {.items = NULL};
    struct error error;
    const char *step = row->columns[2][0] == '\0' ? "./bin/rails db:prepare" : row->columns[2];
    if (!json_words(row->columns[1], &words) ||
        step_list_append_joined(&steps, step, &error) != 0) {
        vector_fail("hooks.tsv", row->line, "is no row");
        return;
    }
    struct recognition_request request = {.argv = words.items, .steps = &steps};
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&request, &recognition);
    const char *inner = recognition.inner_step == NULL ? "-" : recognition.inner_step;
    bool is_versioned = strcmp(row->columns[4], "versioned") == 0;
    if (strcmp(outcome(&recognition), row->columns[0]) != 0 ||
        strcmp(inner, row->columns[3]) != 0 || recognition.is_versioned != is_versioned) {
        failures++;
        (void)fprintf(stderr, "hooks.tsv:%u: %s, '%s'%s (%s)\n", row->line, outcome(&recognition),
            inner, recognition.is_versioned ? ", versioned" : "", recognition.rule);
    }
}

static void commands_are_recorded_where_they_are_the_steps(void **state) {
    (void)state;
    failures = 0;
    assert_true(vectors_read("hooks.tsv", check) > 50);
    assert_int_equal(failures, 0);
}

static void the_longest_row_says_what_a_task_does(void **state) {
    (void)state;
    static const struct {
        const char *task;
        enum task_effect effect;
    } rows[] = {
        {"db:migrate", TASK_ADVANCES},
        {"db:migrate:queue", TASK_ADVANCES},
        {"db:migrate:status:queue", TASK_HARMLESS},
        {"db:migrate:down:queue", TASK_REVERTS},
        {"db:drop:all", TASK_DROPS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct database_task *found = database_task_find(rows[i].task, strlen(rows[i].task));
        assert_non_null(found);
        assert_int_equal(found->effect, rows[i].effect);
    }
    assert_null(database_task_find("db:migrated", 11));
    assert_null(database_task_find("db:migrat", 9));
    assert_null(database_task_find("", 0));
    /* Only so much of it as it was given. */
    assert_string_equal(database_task_find("db:seed[x]", 7)->name, "db:seed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_recorded_where_they_are_the_steps),
        cmocka_unit_test(the_longest_row_says_what_a_task_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
