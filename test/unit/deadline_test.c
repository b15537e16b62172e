/*
 * Deadlines at the edge of what a number holds.
 */
#include "unit.h"

#include <limits.h>

#include "signalbox/base/deadline.h"

static void a_deadline_beyond_all_numbers_is_never(void **state) {
    (void)state;
    static const struct {
        int64_t instant_ms;
        int64_t duration_ms;
        int64_t deadline_ms;
    } rows[] = {
        {1000, 0, 1000},
        {1000, 500, 1500},
        {DEADLINE_NEVER - 2, 1, DEADLINE_NEVER - 1},
        {DEADLINE_NEVER - 1, 1, DEADLINE_NEVER},
        {DEADLINE_NEVER - 1, 2, DEADLINE_NEVER},
        {DEADLINE_NEVER, 1, DEADLINE_NEVER},
        {1000, INT64_MAX, DEADLINE_NEVER},
        {INT64_MAX, INT64_MAX, DEADLINE_NEVER},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t deadline_ms = deadline_later_ms(rows[i].instant_ms, rows[i].duration_ms);
        if (deadline_ms != rows[i].deadline_ms) {
            fail_msg("row %zu: %lld", i, (long long)deadline_ms);
        }
    }
    assert_int_equal(deadline_after_ms(INT64_MAX), DEADLINE_NEVER);
}

static void poll_gets_a_timeout_that_it_can_hold(void **state) {
    (void)state;
    assert_int_equal(deadline_poll_timeout_ms(DEADLINE_NEVER), -1);
    assert_int_equal(deadline_poll_timeout_ms(DEADLINE_NEVER - 1), INT_MAX);
    assert_int_equal(deadline_poll_timeout_ms(0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_beyond_all_numbers_is_never),
        cmocka_unit_test(poll_gets_a_timeout_that_it_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
