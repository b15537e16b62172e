/*
 * What a waiter does with its connection, and when steps may begin.
 */
#include "unit.h"

#include "prepare/postgres/slots.h"

static struct slots slots_of(const int64_t numbers[7]) {
    struct slots slots;
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        slots.limits[limit].most = numbers[2 * limit];
        slots.limits[limit].taken = numbers[2 * limit + 1];
    }
    slots.waiters = numbers[6];
    return slots;
}

static void half_of_the_least_limit_stays_free(void **state) {
    (void)state;
    static const struct {
        /* Most and taken of the server, the role and the database; the waiters. */
        int64_t numbers[7];
        bool are_plenty;
        bool are_calm;
        int room;
        bool are_too_few;
    } rows[] = {
        {{97, 0, -1, 0, -1, 0, 0}, true, true, 4, false},
        {{97, 48, -1, 48, -1, 48, 7}, true, true, 4, false},
        {{97, 22, -1, 22, -1, 22, 25}, true, true, 4, false},
        {{97, 23, -1, 23, -1, 23, 25}, true, false, 4, false}, /* A crowd. */
        {{97, 49, -1, 49, -1, 49, 1}, false, false, 4, false},
        {{97, 97, -1, 97, -1, 97, 0}, false, true, 4, false}, /* Others take them all. */
        {{48, 24, -1, 24, -1, 24, 7}, true, true, 4, false},
        {{47, 24, -1, 24, -1, 24, 7}, false, false, 4, false},
        {{14, 1, -1, 1, -1, 1, 1}, false, false, 3, false},  /* Half is too little here. */
        {{97, 20, 60, 30, -1, 20, 7}, true, true, 4, false}, /* The role's. */
        {{97, 20, 60, 31, -1, 20, 7}, false, false, 4, false},
        {{97, 20, -1, 11, 60, 30, 7}, true, true, 4, false}, /* The database's. */
        {{97, 20, -1, 11, 60, 31, 7}, false, false, 4, false},
        {{97, 1, 3, 1, -1, 1, 1}, false, false, 1, false},
        {{97, 1, 2, 1, -1, 1, 0}, false, true, 1, true},
        {{97, 1, 0, 1, -1, 1, 0}, false, true, 1, true},
        {{97, 1, -1, 1, 1, 1, 0}, false, true, 1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slots slots = slots_of(rows[i].numbers);
        enum slot_limit which = SLOT_LIMIT_COUNT;
        assert_int_equal(slots_are_plenty(&slots), rows[i].are_plenty);
        int room = 0;
        assert_int_equal(slots_are_calm(&slots, &room), rows[i].are_calm);
        assert_int_equal(room, rows[i].room);
        assert_int_equal(slots_are_too_few(&slots, &which), rows[i].are_too_few);
    }
}

static void a_waiter_rests_as_the_others_let_it(void **state) {
    (void)state;
    static const struct {
        int64_t taken; /* Of 97; negative: the look was refused. */
        int64_t waiters;
        bool is_pooled;
        int64_t last_base_ms;
        int64_t look_ms;
        int64_t counted;
        bool hangs_up;
        int64_t base_ms;
    } rows[] = {
        {48, 47, false, 0, 9, 0, false, 0},            /* Plenty: the connection is kept … */
        {48, 47, false, 8000, 9, 200, false, 0},       /* … and the pace forgotten. */
        {49, 0, false, 0, 9, 1, true, 90},             /* Taken by others: a tenth of its time. */
        {49, 0, false, 0, 9, 10, true, 90},            /* */
        {49, 40, false, 9000, 9, 200, true, 1800},     /* As long as all of them look. */
        {49, 0, false, 1000, 9, 1000, true, 9000},     /* */
        {97, 0, false, 1000, 90, 1000, true, 90000},   /* */
        {97, 0, false, 1000, 90, 5000, true, 120000},  /* Not less often than that … */
        {97, 0, false, 0, 9, INT64_MAX, true, 120000}, /* … whatever somebody has written there. */
        {97, 0, true, 0, 9, INT64_MAX, true, 120000},  /* */
        {-1, 0, false, 0, 9, INT64_MAX, true, 120000}, /* */
        {49, 0, false, 0, 0, 200, true, 20000},        /* Nobody knows yet how long a look takes. */
        {49, 0, false, 0, 9000, 200, true, 20000},     /* That it waits itself is no reason. */
        {49, 0, false, 0, 1, 400, true, 2000},         /* */
        {-1, 0, false, 0, 9, 200, true, 3600},         /* No slot for looking. */
        {-1, 0, false, 80000, 9, 200, true, 3600},     /* */
        {5, 9, true, 0, 9, 200, true, 1800},           /* A pool cannot be counted. */
        {49, 0, false, 0, 9, 0, true, 1000},        /* Nobody knows how many: soon for the first */
        {49, 40, false, 0, 0, 0, true, 2000},       /* time, when all boot at once; … */
        {49, 2, false, 1000, 9, 0, true, 1000},     /* … then a few waiters are no crowd. */
        {49, 3, false, 1000, 9, 0, true, 2000},     /* A crowd: half as often. */
        {49, 3, false, 2000, 9, 0, true, 4000},     /* */
        {97, 40, false, 70000, 9, 0, true, 120000}, /* */
        {97, 0, false, 16000, 9, 0, true, 8000},    /* The crowd is gone. */
        {97, 0, false, 1500, 9, 0, true, 1000},     /* */
        {97, 0, false, 1000, 90, 0, true, 9000},    /* A hundredth of its time at the most. */
        {97, 0, false, 1000, 1300, 0, true, 10000}, /* */
        {-1, 0, false, 4000, 9, 0, true, 8000},     /* */
        {5, 5, true, 1000, 9, 0, true, 2000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int64_t numbers[7] = {97, rows[i].taken, -1, 0, -1, 0, rows[i].waiters};
        struct slots slots = slots_of(numbers);
        for (uint32_t random = 0; random < 3000; random += 333) {
            struct waiter waiter = {
                .slots = rows[i].taken < 0 ? NULL : &slots,
                .is_pooled = rows[i].is_pooled,
                .last_base_ms = rows[i].last_base_ms,
                .pause_ms = 40,
                .look_ms = rows[i].look_ms,
                .counted = rows[i].counted,
            };
            struct rest rest = slots_rest(&waiter, random);
            assert_int_equal(rest.hangs_up, rows[i].hangs_up);
            assert_int_equal(rest.base_ms, rows[i].base_ms);
            if (rows[i].hangs_up) {
                assert_in_range(rest.pause_ms, rest.base_ms / 2, rest.base_ms);
            } else {
                assert_int_equal(rest.pause_ms, 40);
            }
        }
    }
}

static void of_few_slots_looking_takes_a_small_part(void **state) {
    (void)state;
    static const struct {
        int64_t numbers[7];
        int64_t base_ms;
    } rows[] = {
        {{97, 90, -1, 0, -1, 0, 3}, 4000},
        {{32, 30, -1, 0, -1, 0, 3}, 4000},
        {{16, 15, -1, 0, -1, 0, 3}, 8000},
        {{97, 90, 8, 7, -1, 0, 3}, 16000},
        {{97, 90, 8, 7, 4, 3, 3}, 32000},
        {{0, 0, -1, 0, -1, 0, 0}, 4000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slots slots = slots_of(rows[i].numbers);
        struct waiter waiter = {.slots = &slots, .look_ms = 10, .counted = 400};
        assert_int_equal(slots_rest(&waiter, 0).base_ms, rows[i].base_ms);
    }
}

static void a_rest_is_never_shorter_than_the_waiters_own_pause(void **state) {
    (void)state;
    struct waiter waiter = {.pause_ms = 1900};
    struct rest rest = slots_rest(&waiter, 0);
    assert_int_equal(rest.pause_ms, 1900);
    assert_int_equal(rest.base_ms, 2000);
}

static void the_tightest_limit_is_named(void **state) {
    (void)state;
    char text[SLOTS_TEXT_LENGTH];
    static const int64_t of_role[7] = {97, 30, 20, 18, -1, 30, 17};
    struct slots slots = slots_of(of_role);
    slots_describe(&slots, text);
    assert_string_equal(
        text, "free connections (18 of the role's 20 are taken, 17 of them by waiting replicas)");
    static const int64_t of_server[7] = {14, 14, -1, 18, -1, 30, 9};
    slots = slots_of(of_server);
    slots_describe(&slots, text);
    assert_string_equal(
        text, "free connections (14 of the server's 14 are taken, 9 of them by waiting replicas)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_of_the_least_limit_stays_free),
        cmocka_unit_test(a_waiter_rests_as_the_others_let_it),
        cmocka_unit_test(of_few_slots_looking_takes_a_small_part),
        cmocka_unit_test(a_rest_is_never_shorter_than_the_waiters_own_pause),
        cmocka_unit_test(the_tightest_limit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
