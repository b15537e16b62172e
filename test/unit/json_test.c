/*
 * JSON strings out of arbitrary bytes.
 */
#include "unit.h"

#include "signalbox/base/json.h"

static void bytes_become_valid_json(void **state) {
    (void)state;
    static const struct {
        const char *text, *quoted;
    } rows[] = {
        {"", "\"\""}, {"plain", "\"plain\""}, {"say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""},
        {"a\nb\tc\rd", "\"a\\nb\\tc\\rd\""}, {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"caf\xC3\xA9", "\"caf\xC3\xA9\""}, {"\xF0\x9F\x9A\x82", "\"\xF0\x9F\x9A\x82\""},
        {"\xFF", "\"\xEF\xBF\xBD\""}, {"\xC3", "\"\xEF\xBF\xBD\""},   /* cut in the middle */
        {"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},                 /* overlong */
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* a surrogate */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char quoted[128];
        size_t length = json_quote(rows[i].text, quoted, sizeof quoted);
        assert_string_equal(quoted, rows[i].quoted);
        assert_int_equal(length, strlen(rows[i].quoted));
    }
}

static void what_does_not_fit_is_left_out_whole(void **state) {
    (void)state;
    char quoted[16];
    assert_int_equal(json_quote("abc", quoted, 3), 2);
    assert_string_equal(quoted, "\"\"");
    assert_int_equal(json_quote("abc", quoted, 5), 4);
    assert_string_equal(quoted, "\"ab\"");
    assert_int_equal(json_quote("abc", quoted, 6), 5);
    assert_string_equal(quoted, "\"abc\"");
    /* Half of a two-byte character, or of an escape, would break the object. */
    assert_int_equal(json_quote("a\xC3\xA9", quoted, 5), 3);
    assert_string_equal(quoted, "\"a\"");
    assert_int_equal(json_quote("a\n", quoted, 5), 3);
    assert_string_equal(quoted, "\"a\"");
}

static void members_stand_with_commas_between_them(void **state) {
    (void)state;
    AUTO_TEXT struct text text = {.data = NULL};
    json_object_begin(&text, NULL);
    json_object_begin(&text, "empty");
    json_object_end(&text);
    json_string(&text, "a", "{");
    json_string(&text, "b", NULL);
    json_array_begin(&text, "list");
    json_integer(&text, NULL, -1);
    json_integer(&text, NULL, INT64_MAX);
    json_array_begin(&text, NULL);
    json_array_end(&text);
    json_boolean(&text, NULL, true);
    json_array_end(&text);
    json_boolean(&text, "c", false);
    json_null(&text, "d");
    json_object_end(&text);
    assert_string_equal(text_string(&text),
        "{\"empty\":{},\"a\":\"{\",\"b\":null,\"list\":[-1,9223372036854775807,[],true],"
        "\"c\":false,\"d\":null}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_valid_json),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(members_stand_with_commas_between_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
