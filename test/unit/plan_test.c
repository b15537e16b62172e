/*
 * The plan for every mode, kind of command and place in the process tree.
 */
#include "unit.h"

#include "signalbox/plan.h"

static void only_servers_prepare_and_only_under_auto(void **state) {
    (void)state;
    static const struct {
        enum prepare_mode mode;
        enum command_kind kind;
        bool prepare;
    } rows[] = {
        {PREPARE_AUTO, COMMAND_SERVER, true},
        {PREPARE_AUTO, COMMAND_TASK, false},
        {PREPARE_AUTO, COMMAND_OTHER, false},
        {PREPARE_AUTO, COMMAND_NONE, false},
        {PREPARE_NEVER, COMMAND_SERVER, false},
        {PREPARE_NEVER, COMMAND_TASK, false},
        {PREPARE_NEVER, COMMAND_OTHER, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct options options = {.prepare = rows[i].mode};
        struct recognition command = {.kind = rows[i].kind};
        struct facts facts = {.is_init = true};
        struct plan plan = plan_make(&options, &command, &facts);
        assert_int_equal(plan.prepare, rows[i].prepare);
        assert_non_null(plan.why);
    }
}

static void whoever_has_an_init_becomes_the_command(void **state) {
    (void)state;
    struct options options = {.prepare = PREPARE_AUTO};
    struct recognition command = {.kind = COMMAND_SERVER};
    struct facts init = {.is_init = true};
    struct facts child = {.is_init = false};
    assert_int_equal(plan_make(&options, &command, &init).start, START_SUPERVISED);
    assert_int_equal(plan_make(&options, &command, &child).start, START_REPLACING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_servers_prepare_and_only_under_auto),
        cmocka_unit_test(whoever_has_an_init_becomes_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
