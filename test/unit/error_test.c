/*
 * Errors gain context in front and are cut rather than overflow.
 */
#include "unit.h"

#include "signalbox/base/error.h"

static void context_comes_in_front_and_the_status_stays(void **state) {
    (void)state;
    struct error error;
    error_set(&error, 78, "no file %s", "x");
    error_add_context(&error, "%s", "reading");
    assert_string_equal(error.text, "reading: no file x");
    assert_int_equal(error.exit_status, 78);
}

static void what_does_not_fit_is_cut(void **state) {
    (void)state;
    char long_text[2000];
    struct error error;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    error_set(&error, 1, "%s", long_text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_add_context(&error, "%s", long_text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    error_set(&error, 1, "y");
    error_add_context(&error, "%s", long_text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_comes_in_front_and_the_status_stays),
        cmocka_unit_test(what_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
