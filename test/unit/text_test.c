/*
 * Exact readers of numbers and durations, and text for people.
 */
#include "unit.h"

#include "signalbox/base/duration.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/nearest.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

static void a_number_is_the_whole_word_and_in_range(void **state) {
    (void)state;
    static const struct {
        const char *string;
        int64_t lowest, highest;
        bool accepted;
        int64_t number;
    } rows[] = {
        {"0", 0, 0, true, 0},
        {"-1", -1, 1, true, -1},
        {"2147483647", INT32_MIN, INT32_MAX, true, INT32_MAX},
        {"2147483648", INT32_MIN, INT32_MAX, false, 0},
        {"-2147483648", INT32_MIN, INT32_MAX, true, INT32_MIN},
        {"-2147483649", INT32_MIN, INT32_MAX, false, 0},
        {"9223372036854775807", 0, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", 0, INT64_MAX, false, 0},
        {"", 0, 9, false, 0},
        {"-", -9, 9, false, 0},
        {"+1", 0, 9, false, 0},
        {" 1", 0, 9, false, 0},
        {"1 ", 0, 9, false, 0},
        {"1x", 0, 9, false, 0},
        {"0x1", 0, 9, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t number = 0;
        bool accepted = number_parse(rows[i].string, rows[i].lowest, rows[i].highest, &number);
        if (accepted != rows[i].accepted || (accepted && number != rows[i].number)) {
            fail_msg("`%s` was %s as %lld", rows[i].string, accepted ? "accepted" : "refused",
                (long long)number);
        }
    }
}

static void bytes_become_two_digits_each(void **state) {
    (void)state;
    static const unsigned char bytes[] = {0x00, 0x09, 0x0A, 0x7F, 0x80, 0xFF};
    char digits[2 * sizeof bytes + 1];
    hex_write(bytes, sizeof bytes, digits);
    assert_string_equal(digits, "00090a7f80ff");
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(hex_byte(digits + 2 * i), bytes[i]);
    }
    hex_write(bytes, 0, digits);
    assert_string_equal(digits, "");
}

static void a_duration_has_a_unit(void **state) {
    (void)state;
    static const struct {
        const char *string;
        int64_t duration_ms; /* -1: refused as no duration, -2: as too long. */
    } rows[] = {
        {"500ms", 500},
        {"30s", 30000},
        {"10m", 600000},
        {"1h", 3600000},
        {"0s", 0},
        {"8760h", DURATION_LONGEST_MS},
        {"8761h", -2},
        {"525600m", DURATION_LONGEST_MS},
        {"525601m", -2},
        {"31536000s", DURATION_LONGEST_MS},
        {"31536001s", -2},
        {"31536000000ms", DURATION_LONGEST_MS},
        {"31536000001ms", -2},
        {"9223372036854775807ms", -2},
        {"9223372036854775808ms", -2},
        {"99999999999999999999999999h", -2},
        {"00000000000000000000000030s", 30000},
        {"30", -1},
        {"s", -1},
        {"", -1},
        {"-1s", -1},
        {"1.5s", -1},
        {"30 s", -1},
        {"30S", -1},
        {"30sec", -1},
        {"1h30m", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t duration_ms = -1;
        if (duration_parse(rows[i].string, &duration_ms) == DURATION_TOO_LONG) {
            duration_ms = -2;
        }
        if (duration_ms != rows[i].duration_ms) {
            fail_msg("`%s` was read as %lld ms", rows[i].string, (long long)duration_ms);
        }
    }
}

static void a_duration_reads_well(void **state) {
    (void)state;
    assert_string_equal(duration_describe(0).string, "0 ms");
    assert_string_equal(duration_describe(999).string, "999 ms");
    assert_string_equal(duration_describe(1000).string, "1.0 s");
    assert_string_equal(duration_describe(59999).string, "59.9 s");
    assert_string_equal(duration_describe(60000).string, "1 min 0 s");
    assert_string_equal(duration_describe(3599999).string, "59 min 59 s");
    assert_string_equal(duration_describe(3600000).string, "1 h 0 min");
}

static void text_grows_and_a_list_ends_with_null(void **state) {
    (void)state;
    AUTO_TEXT struct text text = {.data = NULL};
    AUTO_STRING_LIST struct string_list list = {.items = NULL};
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_append_format(&text, "%d,", i % 10);
        string_list_append(&list, "x");
    }
    assert_int_equal(text.length, 2000);
    assert_int_equal(strlen(text_string(&text)), 2000);
    assert_int_equal(list.count, 1000);
    assert_null(list.items[1000]);
}

static void what_has_room_stays_where_it_is(void **state) {
    (void)state;
    struct text text = {.data = NULL};
    text_reserve(&text, 1000);
    assert_string_equal(text_string(&text), "");
    const char *place = text.data;
    for (int i = 0; i < 1000; i++) {
        text_append(&text, "x", 1);
    }
    assert_ptr_equal(text.data, place);
    text_wipe(&text);
    assert_null(text.data);
    assert_int_equal(text.length, 0);
    text_wipe(&text);
}

static void a_name_has_one_value(void **state) {
    (void)state;
    AUTO_STRING_LIST struct string_list list = {.items = NULL};
    string_list_set(&list, "A=1");
    string_list_set(&list, "AB=2");
    string_list_set(&list, "A=3");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0], "A=3");
    assert_string_equal(list.items[1], "AB=2");
}

static void distance_counts_letters(void **state) {
    (void)state;
    assert_int_equal(nearest_distance("--prepare", "--prepare"), 0);
    assert_int_equal(nearest_distance("--prepar", "--prepare"), 1);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    char longest[64];
    char too_long[65];
    memset(longest, 'a', 63);
    longest[63] = '\0';
    memset(too_long, 'a', 64);
    too_long[64] = '\0';
    assert_int_equal(nearest_distance(longest, longest), 0);
    assert_true(nearest_distance(longest, too_long) == SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_the_whole_word_and_in_range),
        cmocka_unit_test(bytes_become_two_digits_each),
        cmocka_unit_test(a_duration_has_a_unit),
        cmocka_unit_test(a_duration_reads_well),
        cmocka_unit_test(text_grows_and_a_list_ends_with_null),
        cmocka_unit_test(what_has_room_stays_where_it_is),
        cmocka_unit_test(a_name_has_one_value),
        cmocka_unit_test(distance_counts_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
