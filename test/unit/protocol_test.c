/*
 * The single flight as a table: what is decided, what cannot happen, and what a look means.
 */
#include "unit.h"

#include "prepare/protocol/protocol.h"

static void every_action_that_goes_on_has_a_state_that_answers_it(void **state) {
    (void)state;
    /* From the beginning every state is reached, and each can end. */
    bool reached[PROTOCOL_STATE_COUNT] = {[PROTOCOL_CONNECTING] = true};
    for (int round = 0; round < PROTOCOL_STATE_COUNT; round++) {
        for (int from = 0; from < PROTOCOL_ENDED; from++) {
            for (int seen = 0; reached[from] && seen < OBSERVATION_COUNT; seen++) {
                const struct protocol_row *row =
                    protocol_next((enum protocol_state)from, (enum observation)seen);
                if (row != NULL) {
                    reached[row->next] = true;
                    assert_int_equal(row->outcome != OUTCOME_NONE, row->next == PROTOCOL_ENDED);
                    assert_true(strlen(row->why) > 10);
                }
            }
        }
    }
    for (int at = 0; at < PROTOCOL_STATE_COUNT; at++) {
        if (!reached[at]) {
            fail_msg("`%s` is never reached", protocol_state_name((enum protocol_state)at));
        }
    }
}

static void nothing_leads_on_from_the_end(void **state) {
    (void)state;
    for (int seen = 0; seen < OBSERVATION_COUNT; seen++) {
        assert_null(protocol_next(PROTOCOL_ENDED, (enum observation)seen));
    }
}

static void a_command_starts_only_after_success(void **state) {
    (void)state;
    for (int from = 0; from < PROTOCOL_ENDED; from++) {
        for (int seen = 0; seen < OBSERVATION_COUNT; seen++) {
            const struct protocol_row *row =
                protocol_next((enum protocol_state)from, (enum observation)seen);
            if (row != NULL && row->outcome == OUTCOME_PREPARED) {
                assert_int_equal(seen, SEEN_SUCCEEDED);
            }
            if (row != NULL && row->outcome == OUTCOME_PREPARED_UNRECORDED) {
                assert_int_equal(from, PROTOCOL_RECORDING);
                assert_int_equal(seen, SEEN_STEPS_OK);
            }
        }
    }
}

static void steps_run_only_under_a_confirmed_lock(void **state) {
    (void)state;
    for (int from = 0; from < PROTOCOL_ENDED; from++) {
        for (int seen = 0; seen < OBSERVATION_COUNT; seen++) {
            const struct protocol_row *row =
                protocol_next((enum protocol_state)from, (enum observation)seen);
            if (row != NULL && row->action == ACT_RUN_STEPS) {
                assert_int_equal(from, PROTOCOL_FENCING);
                assert_int_equal(seen, SEEN_DONE);
            }
            if (row != NULL && row->action == ACT_BEGIN_RUN) {
                assert_int_equal(from, PROTOCOL_INSPECTING);
                assert_int_equal(seen, SEEN_DONE);
            }
            if (row != NULL && row->action == ACT_INSPECT) {
                assert_int_equal(from, PROTOCOL_CONFIRMING);
                assert_int_equal(seen, SEEN_UNDECIDED);
            }
        }
    }
}

static void a_waiter_leaves_at_once_when_asked(void **state) {
    (void)state;
    static const enum protocol_state waiting[] = {PROTOCOL_CONNECTING, PROTOCOL_LOOKING,
        PROTOCOL_TRYING, PROTOCOL_WAITING, PROTOCOL_CONFIRMING, PROTOCOL_INSPECTING,
        PROTOCOL_BEGINNING};
    for (size_t i = 0; i < ARRAY_LENGTH(waiting); i++) {
        assert_int_equal(protocol_next(waiting[i], SEEN_CANCELLED)->outcome, OUTCOME_CANCELLED);
    }
}

static struct look newest(int64_t id, enum run_state run_state) {
    return (struct look){.newest = {.id = id, .state = run_state}};
}

static void a_look_means(void **state) {
    (void)state;
    static const struct {
        int64_t first_id;
        enum run_state first;
        int64_t now_id;
        enum run_state now;
        enum observation means;
    } rows[] = {
        {0, RUN_NONE, 0, RUN_NONE, SEEN_UNDECIDED},
        {0, RUN_NONE, 1, RUN_RUNNING, SEEN_UNDECIDED},
        {0, RUN_NONE, 1, RUN_SUCCEEDED, SEEN_SUCCEEDED},
        {1, RUN_SUCCEEDED, 1, RUN_SUCCEEDED, SEEN_SUCCEEDED},
        /* We waited for it. */
        {0, RUN_NONE, 1, RUN_FAILED, SEEN_FAILED},
        {1, RUN_RUNNING, 1, RUN_FAILED, SEEN_FAILED},
        {1, RUN_FAILED, 2, RUN_FAILED, SEEN_FAILED},
        /* It had failed before we came. */
        {1, RUN_FAILED, 1, RUN_FAILED, SEEN_UNDECIDED},
        {1, RUN_INTERRUPTED, 1, RUN_FAILED, SEEN_UNDECIDED},
        /* Its replica died: somebody takes over. */
        {1, RUN_RUNNING, 1, RUN_INTERRUPTED, SEEN_UNDECIDED},
        {0, RUN_NONE, 2, RUN_INTERRUPTED, SEEN_UNDECIDED},
        /* Rows may be pruned. */
        {5, RUN_FAILED, 0, RUN_NONE, SEEN_UNDECIDED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look first = newest(rows[i].first_id, rows[i].first);
        struct look now = newest(rows[i].now_id, rows[i].now);
        if (protocol_observe(PREPARE_IF_DUE, false, &first, &now) != rows[i].means) {
            fail_msg("row %zu", i);
        }
        /* Who typed the step runs it, whatever is known. */
        assert_int_equal(protocol_observe(PREPARE_TYPED, false, &first, &now), SEEN_UNDECIDED);
        /* Who only waits shares every outcome and takes nothing over. */
        assert_int_equal(protocol_observe(PREPARE_BY_OTHERS, false, &first, &now),
            rows[i].means == SEEN_UNDECIDED ? SEEN_NOT_OURS : rows[i].means);
    }
}

static void a_success_counts_unless_something_speaks_against_it(void **state) {
    (void)state;
    static const struct {
        int64_t newest_id;
        int64_t latest_id;
        bool only_latest_counts;
        const char *stale_reason;
        enum observation means;
    } rows[] = {
        {3, 3, false, "", SEEN_SUCCEEDED},
        {3, 3, true, "", SEEN_SUCCEEDED},
        /* Other content was prepared since: migrations stay done, seeds and flags may not. */
        {3, 5, false, "", SEEN_SUCCEEDED},
        {3, 5, true, "", SEEN_UNDECIDED},
        {3, 3, false, "the database shop_queue does not exist", SEEN_UNDECIDED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look now = newest(rows[i].newest_id, RUN_SUCCEEDED);
        now.latest = (struct run){.id = rows[i].latest_id, .state = RUN_SUCCEEDED};
        (void)snprintf(now.stale_reason, sizeof now.stale_reason, "%s", rows[i].stale_reason);
        assert_int_equal(protocol_observe(PREPARE_IF_DUE, rows[i].only_latest_counts, &now, &now),
            rows[i].means);
    }
}

static void what_failed_often_rests_before_it_runs_again(void **state) {
    (void)state;
    static const struct {
        int failures;
        int64_t rest_ms;
    } rows[] = {{0, 0}, {1, 0}, {2, 5000}, {3, 10000}, {4, 20000}, {5, 40000}, {6, 60000},
        {7, 60000}, {1000000, 60000}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look look = newest(9, RUN_FAILED);
        look.failures = rows[i].failures;
        assert_int_equal(protocol_backoff_ms(rows[i].failures), rows[i].rest_ms);
        look.newest.age_ms = rows[i].rest_ms;
        assert_int_equal(protocol_observe(PREPARE_IF_DUE, false, &look, &look), SEEN_UNDECIDED);
        look.newest.age_ms = rows[i].rest_ms > 0 ? rows[i].rest_ms - 1 : 0;
        assert_int_equal(protocol_observe(PREPARE_IF_DUE, false, &look, &look),
            rows[i].rest_ms > 0 ? SEEN_TOO_SOON : SEEN_UNDECIDED);
        /* Who types the step wants it now; who only waits does not run at all. */
        assert_int_equal(protocol_observe(PREPARE_TYPED, false, &look, &look), SEEN_UNDECIDED);
        assert_int_equal(protocol_observe(PREPARE_BY_OTHERS, false, &look, &look), SEEN_NOT_OURS);
    }
    struct look interrupted = newest(9, RUN_INTERRUPTED);
    interrupted.failures = 5;
    assert_int_equal(
        protocol_observe(PREPARE_IF_DUE, false, &interrupted, &interrupted), SEEN_UNDECIDED);
}

static void on_a_standby_only_what_is_decided_counts(void **state) {
    (void)state;
    static const struct {
        enum prepare_purpose purpose;
        enum run_state run_state;
        enum observation means;
    } rows[] = {
        {PREPARE_IF_DUE, RUN_SUCCEEDED, SEEN_SUCCEEDED},
        {PREPARE_IF_DUE, RUN_NONE, SEEN_STANDBY},
        {PREPARE_IF_DUE, RUN_RUNNING, SEEN_STANDBY},
        {PREPARE_TYPED, RUN_SUCCEEDED, SEEN_STANDBY},
        {PREPARE_UNRECORDED, RUN_SUCCEEDED, SEEN_STANDBY},
        {PREPARE_BY_OTHERS, RUN_SUCCEEDED, SEEN_SUCCEEDED},
        {PREPARE_BY_OTHERS, RUN_RUNNING, SEEN_NOT_OURS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct look look = newest(1, rows[i].run_state);
        look.is_read_only = true;
        assert_int_equal(protocol_observe(rows[i].purpose, false, &look, &look), rows[i].means);
    }
}

static void the_third_death_in_a_row_is_a_failure(void **state) {
    (void)state;
    assert_int_equal(protocol_run_state(SEEN_STEPS_DIED, 0), RUN_INTERRUPTED);
    assert_int_equal(protocol_run_state(SEEN_STEPS_DIED, 1), RUN_INTERRUPTED);
    assert_int_equal(protocol_run_state(SEEN_STEPS_DIED, 2), RUN_FAILED);
    assert_int_equal(protocol_run_state(SEEN_STEPS_DIED, 3), RUN_FAILED);
    /* The others, whatever died before. */
    assert_int_equal(protocol_run_state(SEEN_STEPS_OK, 3), RUN_SUCCEEDED);
    assert_int_equal(protocol_run_state(SEEN_STEPS_FAILED, 0), RUN_FAILED);
    assert_int_equal(protocol_run_state(SEEN_STEPS_STOPPED, 3), RUN_INTERRUPTED);
    assert_int_equal(protocol_run_state(SEEN_LOCK_LOST, 3), RUN_INTERRUPTED);
    assert_int_equal(protocol_run_state(SEEN_TIMED_OUT, 3), RUN_INTERRUPTED);
}

static void who_only_waits_never_tries_the_lock(void **state) {
    (void)state;
    const struct protocol_row *row = protocol_next(PROTOCOL_LOOKING, SEEN_NOT_OURS);
    assert_int_equal(row->action, ACT_PAUSE);
    for (int from = 0; from < PROTOCOL_ENDED; from++) {
        row = protocol_next((enum protocol_state)from, SEEN_NOT_OURS);
        assert_true(row == NULL || row->action == ACT_PAUSE);
    }
}

static void pauses_grow_with_the_wait_and_stay_in_bounds(void **state) {
    (void)state;
    static const uint32_t randoms[] = {0, 1, 499, 500, 999, 1000, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(randoms); i++) {
        for (int64_t waited_ms = 0; waited_ms < 7200000; waited_ms = waited_ms * 2 + 100) {
            int64_t pause_ms = protocol_pause_ms(waited_ms, randoms[i]);
            assert_in_range(pause_ms, 100, 2000);
            assert_true(pause_ms <= 150 || pause_ms <= waited_ms / 20);
        }
    }
    assert_true(protocol_pause_ms(20000, 999) > protocol_pause_ms(20000, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_that_goes_on_has_a_state_that_answers_it),
        cmocka_unit_test(nothing_leads_on_from_the_end),
        cmocka_unit_test(a_command_starts_only_after_success),
        cmocka_unit_test(steps_run_only_under_a_confirmed_lock),
        cmocka_unit_test(a_waiter_leaves_at_once_when_asked),
        cmocka_unit_test(a_look_means),
        cmocka_unit_test(a_success_counts_unless_something_speaks_against_it),
        cmocka_unit_test(what_failed_often_rests_before_it_runs_again),
        cmocka_unit_test(on_a_standby_only_what_is_decided_counts),
        cmocka_unit_test(the_third_death_in_a_row_is_a_failure),
        cmocka_unit_test(who_only_waits_never_tries_the_lock),
        cmocka_unit_test(pauses_grow_with_the_wait_and_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
