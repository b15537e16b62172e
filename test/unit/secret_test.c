/*
 * What looks like a secret is masked, and the rest of the text stays as it is.
 */
#include "unit.h"

#include "signalbox/base/secret.h"
#include "signalbox/base/text.h"

static void secrets_are_masked_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        const char *text, *masked;
    } rows[] = {
        {"", ""},
        {"./bin/rails db:prepare", "./bin/rails db:prepare"},
        {"postgres://u:pw@db/x", "postgres://u:***@db/x"},
        {"postgres://u@db/x", "postgres://u@db/x"},
        {"postgres://db:5432/x", "postgres://db:5432/x"},
        {"postgres://:pw@db/x", "postgres://:***@db/x"},
        {"postgres://u:p@ss@db/x", "postgres://u:***@db/x"},
        {"postgres://u:p/w@db/x y@z", "postgres://u:***@db/x y@z"},
        {"env DATABASE_URL='redis://a:b@c' rails", "env DATABASE_URL='redis://a:***@c' rails"},
        {"a://b:c@d e://f:g@h", "a://b:***@d e://f:***@h"},
        {"DB_PASSWORD=hunter2 rails", "DB_PASSWORD=*** rails"},
        {"DB_PASSWORD='hunter 2' rails", "DB_PASSWORD=*** rails"},
        {"DB_PASSWORD=\"hunter 2\" rails", "DB_PASSWORD=*** rails"},
        {"DB_PASSWORD='open", "DB_PASSWORD=***"},
        {"RAILS_MASTER_KEY=abc", "RAILS_MASTER_KEY=***"},
        {"--api-token=abc x", "--api-token=*** x"},
        {"RAILS_ENV=production A=1", "RAILS_ENV=production A=1"},
        {"sh -c 'PGPASSWORD=x psql'", "sh -c 'PGPASSWORD=*** psql'"},
        {"postgres://h/x?password=pw&user=u", "postgres://h/x?password=***"},
        {"password", "password"},
        {"://", "://"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text masked = {.data = NULL};
        secret_mask(rows[i].text, &masked);
        assert_string_equal(text_string(&masked), rows[i].masked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_masked_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
