/*
 * What the log shows of somebody's statement: test/vectors/statements.tsv.
 */
#include "unit.h"

#include "signalbox/base/number.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/statement.h"
#include "vectors.h"

static void check(const struct vector_row *row) {
    AUTO_TEXT struct text statement = {.data = NULL};
    AUTO_TEXT struct text masked = {.data = NULL};
    int64_t most = 200;
    vectors_unescape(row->columns[0], &statement);
    (void)number_parse(row->columns[2], 1, 200, &most);
    text_append_string(&masked, "says: ");
    statement_mask(text_string(&statement), (size_t)most, &masked);
    if (strcmp(text_string(&masked) + strlen("says: "), row->columns[1]) != 0) {
        fail_msg("statements.tsv:%u: %s", row->line, text_string(&masked));
    }
}

static void literals_and_comments_are_not_shown(void **state) {
    (void)state;
    assert_true(vectors_read("statements.tsv", check) > 25);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_comments_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
