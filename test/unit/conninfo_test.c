/*
 * What libpq's own parser is given for a database.
 */
#include "unit.h"

#include <stdlib.h>

#include "signalbox/base/text.h"
#include "signalbox/database/conninfo.h"
#include "signalbox/database/password_command.h"

static void every_value_is_quoted_and_an_empty_one_is_named(void **state) {
    (void)state;
    static char password[] = "it's \\ secret";
    static char host[] = "one,two";
    static char empty[] = "";
    static struct password_command command;
    static char name[] = "shop";
    static const struct {
        struct database database;
        const char *name;
        const char *expected;
    } rows[] = {
        {{.name = name}, NULL, " dbname='shop' "},
        {{.name = name}, "postgres", " dbname='postgres' "},
        {{.password = password, .name = name}, NULL,
            " password='it\\'s \\\\ secret' dbname='shop' "},
        /* A program is asked for it instead. */
        {{.password = password, .password_command = &command, .name = name}, NULL,
            " dbname='shop' "},
        {{.user = empty, .name = name}, NULL, " user='' dbname='shop' "},
        {{.host = host, .name = name}, NULL,
            " host='one,two' dbname='shop' target_session_attrs='read-write' "},
    };
    assert_int_equal(unsetenv("PGTARGETSESSIONATTRS"), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text conninfo = {.data = NULL};
        conninfo_write(&rows[i].database, rows[i].name, &conninfo);
        const char *rest = strstr(text_string(&conninfo), " client_encoding='UTF8'");
        assert_non_null(rest);
        assert_string_equal(rest + strlen(" client_encoding='UTF8'"), rows[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_quoted_and_an_empty_one_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
