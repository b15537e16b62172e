/*
 * PGOPTIONS, joined with a setting as the server will split it.
 */
#include "unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "signalbox/base/text.h"
#include "signalbox/postgres/startup_options.h"

/* As the server's pg_split_opts does it, with | between the words. */
static void split(const char *options, struct text *words) {
    const char *at = options;
    while (*at != '\0') {
        bool was_escape = false;
        while (isspace((unsigned char)*at)) {
            at++;
        }
        if (*at == '\0') {
            break;
        }
        text_append_string(words, words->length == 0 ? "" : "|");
        for (; *at != '\0' && (was_escape || !isspace((unsigned char)*at)); at++) {
            bool is_escape = !was_escape && *at == '\\';
            if (!is_escape) {
                text_append(words, at, 1);
            }
            was_escape = is_escape;
        }
    }
}

static void the_setting_is_the_servers_last_word(void **state) {
    (void)state;
    static const struct {
        const char *given;
        const char *setting;
        const char *joined;
        const char *words; /* What the server makes of it. */
    } rows[] = {
        {NULL, "lock_timeout=5000", "-c lock_timeout=5000", "-c|lock_timeout=5000"},
        {"", "lock_timeout=0", "-c lock_timeout=0", "-c|lock_timeout=0"},
        {"-c a=b", "c=d", "-c a=b -c c=d", "-c|a=b|-c|c=d"},
        {"-c lock_timeout=1", "lock_timeout=2", "-c lock_timeout=1 -c lock_timeout=2",
            "-c|lock_timeout=1|-c|lock_timeout=2"},
        {"-c a=b\\ c", "d=e", "-c a=b\\ c -c d=e", "-c|a=b c|-c|d=e"},
        /* A backslash at the end means nothing, two are one, and three are one and nothing. */
        {"-c a=b\\", "c=d", "-c a=b -c c=d", "-c|a=b|-c|c=d"},
        {"-c a=b\\\\", "c=d", "-c a=b\\\\ -c c=d", "-c|a=b\\|-c|c=d"},
        {"-c a=b\\\\\\", "c=d", "-c a=b\\\\ -c c=d", "-c|a=b\\|-c|c=d"},
        {"\\", "c=d", "-c c=d", "-c|c=d"},
        {"-c a=b ", "c=d", "-c a=b  -c c=d", "-c|a=b|-c|c=d"},
        {NULL, "search_path=a b\\c", "-c search_path=a\\ b\\\\c", "-c|search_path=a b\\c"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text joined = {.data = NULL};
        AUTO_TEXT struct text words = {.data = NULL};
        startup_options_join(rows[i].given, rows[i].setting, &joined);
        assert_string_equal(text_string(&joined), rows[i].joined);
        split(text_string(&joined), &words);
        assert_string_equal(text_string(&words), rows[i].words);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_setting_is_the_servers_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
