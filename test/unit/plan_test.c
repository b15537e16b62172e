/*
 * The plan for every mode, kind of command and place in the process tree.
 */
#include "unit.h"

#include "signalbox/cli/plan.h"

enum { KINDS = COMMAND_NONE + 1 };

static const enum prepare_purpose by_mode[][KINDS] = {
    [PREPARE_AUTO] =
        {
            [COMMAND_SERVER] = PREPARE_IF_DUE,
            [COMMAND_WORKER] = PREPARE_NOTHING,
            [COMMAND_PREPARE] = PREPARE_TYPED,
            [COMMAND_TASK] = PREPARE_NOTHING,
            [COMMAND_OTHER] = PREPARE_NOTHING,
            [COMMAND_NONE] = PREPARE_NOTHING,
        },
    [PREPARE_ANY] =
        {
            [COMMAND_SERVER] = PREPARE_IF_DUE,
            [COMMAND_WORKER] = PREPARE_IF_DUE,
            [COMMAND_PREPARE] = PREPARE_TYPED,
            [COMMAND_TASK] = PREPARE_NOTHING,
            [COMMAND_OTHER] = PREPARE_IF_DUE,
            [COMMAND_NONE] = PREPARE_IF_DUE,
        },
    [PREPARE_NEVER] =
        {
            [COMMAND_SERVER] = PREPARE_NOTHING,
            [COMMAND_WORKER] = PREPARE_NOTHING,
            [COMMAND_PREPARE] = PREPARE_TYPED,
            [COMMAND_TASK] = PREPARE_NOTHING,
            [COMMAND_OTHER] = PREPARE_NOTHING,
            [COMMAND_NONE] = PREPARE_NOTHING,
        },
    [PREPARE_WAIT] =
        {
            [COMMAND_SERVER] = PREPARE_BY_OTHERS,
            [COMMAND_WORKER] = PREPARE_BY_OTHERS,
            [COMMAND_PREPARE] = PREPARE_TYPED,
            [COMMAND_TASK] = PREPARE_NOTHING,
            [COMMAND_OTHER] = PREPARE_BY_OTHERS,
            [COMMAND_NONE] = PREPARE_NOTHING,
        },
};

static struct plan plan_for(
    enum prepare_mode mode, enum command_kind kind, const struct facts *facts) {
    struct options options = {.prepare = mode};
    struct recognition command = {.kind = kind, .is_step = true};
    return plan_make(&options, &command, facts);
}

static void every_mode_and_kind_has_its_plan(void **state) {
    (void)state;
    const struct facts facts = {.is_init = true};
    for (size_t mode = 0; mode < ARRAY_LENGTH(by_mode); mode++) {
        for (int kind = 0; kind < KINDS; kind++) {
            struct plan plan = plan_for((enum prepare_mode)mode, (enum command_kind)kind, &facts);
            if (plan.prepare != by_mode[mode][kind]) {
                fail_msg("mode %zu, %s: %d", mode, recognise_kind_name((enum command_kind)kind),
                    (int)plan.prepare);
            }
            assert_non_null(plan.why);
            assert_int_equal(
                plan.start == START_NOTHING, kind == COMMAND_PREPARE || kind == COMMAND_NONE);
        }
    }
}

static void any_and_wait_leave_a_terminal_alone(void **state) {
    (void)state;
    const struct facts facts = {.is_init = true, .has_terminal = true};
    assert_int_equal(plan_for(PREPARE_ANY, COMMAND_OTHER, &facts).prepare, PREPARE_NOTHING);
    assert_int_equal(plan_for(PREPARE_ANY, COMMAND_WORKER, &facts).prepare, PREPARE_NOTHING);
    assert_int_equal(plan_for(PREPARE_WAIT, COMMAND_SERVER, &facts).prepare, PREPARE_NOTHING);
    /* A server is prepared first under `auto`, so no less under `any`. */
    assert_int_equal(plan_for(PREPARE_ANY, COMMAND_SERVER, &facts).prepare, PREPARE_IF_DUE);
    assert_int_equal(plan_for(PREPARE_AUTO, COMMAND_SERVER, &facts).prepare, PREPARE_IF_DUE);
    assert_int_equal(plan_for(PREPARE_ANY, COMMAND_NONE, &facts).prepare, PREPARE_IF_DUE);
}

static void only_what_is_prepared_for_or_stays_is_talked_about(void **state) {
    (void)state;
    static const struct {
        enum prepare_mode mode;
        enum command_kind kind;
        bool has_terminal;
        bool is_quiet;
    } rows[] = {
        {PREPARE_AUTO, COMMAND_TASK, false, true},
        {PREPARE_AUTO, COMMAND_OTHER, false, true},
        {PREPARE_AUTO, COMMAND_OTHER, true, true},
        {PREPARE_AUTO, COMMAND_SERVER, false, false},
        {PREPARE_AUTO, COMMAND_WORKER, false, false},
        {PREPARE_AUTO, COMMAND_PREPARE, false, false},
        {PREPARE_NEVER, COMMAND_OTHER, false, true},
        {PREPARE_NEVER, COMMAND_SERVER, false, false},
        {PREPARE_NEVER, COMMAND_WORKER, false, false},
        {PREPARE_ANY, COMMAND_OTHER, false, false},
        {PREPARE_ANY, COMMAND_OTHER, true, true},
        {PREPARE_ANY, COMMAND_TASK, false, true},
        {PREPARE_WAIT, COMMAND_OTHER, false, false},
        {PREPARE_WAIT, COMMAND_OTHER, true, true},
        {PREPARE_WAIT, COMMAND_SERVER, true, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct facts facts = {.is_init = true, .has_terminal = rows[i].has_terminal};
        if (plan_for(rows[i].mode, rows[i].kind, &facts).is_quiet != rows[i].is_quiet) {
            fail_msg("row %zu", i);
        }
    }
}

static void what_is_not_the_whole_step_is_not_recorded(void **state) {
    (void)state;
    const struct facts facts = {.is_init = true};
    struct options options = {.prepare = PREPARE_NEVER};
    struct recognition part = {.kind = COMMAND_PREPARE, .is_step = true, .is_versioned = true};
    struct recognition beside = {.kind = COMMAND_PREPARE, .is_step = false};
    assert_int_equal(plan_make(&options, &part, &facts).prepare, PREPARE_UNRECORDED);
    assert_int_equal(plan_make(&options, &beside, &facts).prepare, PREPARE_UNRECORDED);
    assert_int_equal(plan_make(&options, &beside, &facts).start, START_NOTHING);
}

static void whoever_has_an_init_becomes_the_command(void **state) {
    (void)state;
    const struct facts init = {.is_init = true};
    const struct facts child = {.is_init = false};
    assert_int_equal(plan_for(PREPARE_AUTO, COMMAND_SERVER, &init).start, START_SUPERVISED);
    assert_int_equal(plan_for(PREPARE_AUTO, COMMAND_SERVER, &child).start, START_REPLACING);
}

static struct plan start_for(struct options options, bool is_init) {
    struct recognition command = {.kind = COMMAND_OTHER};
    const struct facts facts = {.is_init = is_init};
    return plan_make(&options, &command, &facts);
}

static void init_says_who_stays_and_what_needs_a_parent_makes_auto_stay(void **state) {
    (void)state;
    static struct signal_rewrite rewrite = {15, 3};
    static int status = 143;
    const struct options wanting[] = {
        {.signal_group = true},
        {.rewrites = {&rewrite, 1}},
        {.ok_exits = {&status, 1}},
    };
    for (int is_init = 0; is_init <= 1; is_init++) {
        struct options options = {.init = INIT_ALWAYS};
        assert_int_equal(start_for(options, is_init).start, START_SUPERVISED);
        options.init = INIT_NEVER;
        assert_int_equal(start_for(options, is_init).start, START_REPLACING);
        assert_null(start_for(options, is_init).notes);
        for (size_t i = 0; i < ARRAY_LENGTH(wanting); i++) {
            options = wanting[i];
            assert_int_equal(start_for(options, is_init).start, START_SUPERVISED);
            assert_null(start_for(options, is_init).notes);
            options.init = INIT_NEVER;
            assert_int_equal(start_for(options, is_init).start, START_REPLACING);
            assert_non_null(start_for(options, is_init).notes);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_and_kind_has_its_plan),
        cmocka_unit_test(any_and_wait_leave_a_terminal_alone),
        cmocka_unit_test(only_what_is_prepared_for_or_stays_is_talked_about),
        cmocka_unit_test(what_is_not_the_whole_step_is_not_recorded),
        cmocka_unit_test(whoever_has_an_init_becomes_the_command),
        cmocka_unit_test(init_says_who_stays_and_what_needs_a_parent_makes_auto_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
