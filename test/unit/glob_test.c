/*
 * What a pattern of --watch means, as a table.
 */
#include "unit.h"

#include "fingerprint/glob.h"
#include "signalbox/base/text.h"

static void a_pattern_matches_what_it_says(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *path;
        enum glob_match match;
    } rows[] = {
        /* Literally; a folder means all that is in it. */
        {"", "anything/at/all", GLOB_YES},
        {"Gemfile.lock", "Gemfile.lock", GLOB_YES},
        {"Gemfile.lock", "Gemfile.lock2", GLOB_NO},
        {"Gemfile.lock", "Gemfile", GLOB_NO},
        {"db", "db", GLOB_YES},
        {"db", "db/migrate/1_a.rb", GLOB_YES},
        {"db", "dbs/migrate", GLOB_NO},
        {"db/migrate", "db", GLOB_BELOW},
        {"db/migrate", "db/seeds.rb", GLOB_NO},
        {"a/b/c", "a/b", GLOB_BELOW},
        {"a/b/c", "a/x", GLOB_NO},
        {"\\*", "*", GLOB_YES},
        {"\\*", "a", GLOB_NO},
        /* Within a part. */
        {"*.rb", "a.rb", GLOB_YES},
        {"*.rb", "a/b.rb", GLOB_NO},
        {"*.rb", "a.rb/b", GLOB_YES},
        {"*", "a", GLOB_YES},
        {"*", ".hidden", GLOB_NO},
        {".*", ".hidden", GLOB_YES},
        {"?hidden", ".hidden", GLOB_NO},
        {"[.]hidden", ".hidden", GLOB_NO},
        {"*_a*_b*.rb", "1_a2_b3.rb", GLOB_YES},
        {"*_a*_b*.rb", "1_b2_a3.rb", GLOB_NO},
        {"a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", GLOB_NO},
        {"a?c", "abc", GLOB_YES},
        {"a?c", "ac", GLOB_NO},
        {"[a-c]x", "bx", GLOB_YES},
        {"[a-c]x", "dx", GLOB_NO},
        {"[!a-c]x", "dx", GLOB_YES},
        {"[^a-c]x", "bx", GLOB_NO},
        {"[]a]x", "]x", GLOB_YES},
        {"[a-]x", "-x", GLOB_YES},
        {"[0-9]*_*.rb", "20261101_a.rb", GLOB_YES},
        {"[0-9]*_*.rb", "helper.rb", GLOB_NO},
        {"a**b", "axxb", GLOB_YES},
        {"engines/*/db", "engines/shop/db/migrate/1_a.rb", GLOB_YES},
        {"engines/*/db", "engines/shop", GLOB_BELOW},
        {"engines/*/db", "engines/shop/app", GLOB_NO},
        /* Any number of folders. */
        {"**", "a/b/c", GLOB_YES},
        {"db/**", "db", GLOB_BELOW},
        {"db/**", "db/a/b", GLOB_YES},
        {"db/**", "db/.keep", GLOB_YES},
        {"**/db", "db/schema.rb", GLOB_YES},
        {"**/db", "engines/shop/db/schema.rb", GLOB_YES},
        {"**/db", "engines/shop", GLOB_BELOW},
        {"**/db", ".bundle", GLOB_NO},
        {"**/db", ".bundle/db", GLOB_NO},
        {"**/*.rb", "a.rb", GLOB_YES},
        {"**/*.rb", "a/b/c.rb", GLOB_YES},
        {"**/*.rb", "a/b/c.js", GLOB_BELOW},
        {"config/**/*.yml", "config/a.yml", GLOB_YES},
        {"config/**/*.yml", "config/a/b/c.yml", GLOB_YES},
        {"config/**/*.yml", "lib/a.yml", GLOB_NO},
        {"**/a/**/b", "x/a/y/z/b", GLOB_YES},
        {"**/a/**/b", "x/y/z", GLOB_BELOW},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        enum glob_match match = glob_match(rows[i].pattern, rows[i].path);
        if (match != rows[i].match) {
            fail_msg("`%s` and `%s`: %d", rows[i].pattern, rows[i].path, (int)match);
        }
    }
}

static void what_is_not_supported_is_said(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *problem;
    } rows[] = {
        {"db/**/*.rb", NULL},
        {"../shared/*.yml", NULL},
        {"/etc/app/*.yml", NULL},
        {"[a]\\{x\\}", NULL},
        {"[{]", NULL},
        {"db/*.{rb,sql}", "braces are not expanded: write one pattern for each"},
        {"db/[a-z", "no `]` ends the set"},
        {"db/[]", "no `]` ends the set"},
        {"db\\", "a backslash needs a character after it"},
        {"db\\/x", "a backslash needs a character after it"},
        {"*/../x", "`..` cannot stand behind a wildcard"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const char *problem = glob_problem(rows[i].pattern);
        if ((problem == NULL) != (rows[i].problem == NULL) ||
            (problem != NULL && strcmp(problem, rows[i].problem) != 0)) {
            fail_msg("`%s`: %s", rows[i].pattern, problem == NULL ? "nothing" : problem);
        }
    }
}

static void the_base_is_what_stands_before_a_wildcard(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *base;
        bool is_literal;
    } rows[] = {
        {"", "", true},
        {"db/schema.rb", "db/schema.rb", true},
        {"db/*.rb", "db", false},
        {"**/db", "", false},
        {"a/[b]/c", "a", false},
        {"a\\*/b?", "a*", false},
        {"a\\[/b", "a[/b", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text base = {.data = NULL};
        assert_int_equal(glob_base(rows[i].pattern, &base), rows[i].is_literal);
        assert_string_equal(text_string(&base), rows[i].base);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_what_it_says),
        cmocka_unit_test(what_is_not_supported_is_said),
        cmocka_unit_test(the_base_is_what_stands_before_a_wildcard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
