/*
 * What a line of Ruby does to ENV, by a table: forms from public applications' boot files.
 */
#include "unit.h"

#include <stdlib.h>

#include "database/ruby_writes.h"
#include "signalbox/base/text.h"

static bool is_wanted(const char *name, const void *argument) {
    (void)argument;
    return strcmp(name, "DB_HOST") == 0 || strcmp(name, "SET") == 0;
}

/* SET is set to something and DB_HOST is not. */
static void every_line_is_read_as_it_says(void **state) {
    static const struct {
        const char *line;
        const char *what; /* NULL: nothing that matters. */
    } rows[] = {
        {"ENV[\"DB_HOST\"] = \"db\"", "DB_HOST is set here"},
        {"  ENV['DB_HOST']='db'", "DB_HOST is set here"},
        {"::ENV[ 'DB_HOST' ] ||= x", "DB_HOST is set here"},
        {"ENV['SET'] ||= x", NULL},
        {"ENV['SET'] &&= x", "SET is set here"},
        {"ENV['DB_HOST'] &&= x", NULL},
        {"ENV['SET'] += 'x'", "SET is set here"},
        {"ENV['OTHER'] = 'x'", NULL},
        {"ENV['OTHER'] = ENV['DB_HOST']", NULL},
        {"ENV['OTHER'] = 'x'; ENV['DB_HOST'] = 'y'", "DB_HOST is set here"},
        {"if ENV['OTHER'] then ENV['DB_HOST'] = 'y' end", "DB_HOST is set here"},
        {"ENV['DB_HOST'] = 'y' if ENV['OTHER'] == 'x'", "DB_HOST is set here"},
        {"ENV['A'], ENV['DB_HOST'] = 'a', 'b'", "DB_HOST is set here"},
        {"ENV['DB_HOST'], ENV['A'] = 'a', 'b'", "DB_HOST is set here"},
        {"connect(ENV['DB_HOST'], port: ENV['A'])", NULL},
        {"{ host: ENV['DB_HOST'], port: 1 }", NULL},
        {"ENV['DB_HOST'] == 'x'", NULL},
        {"ENV['DB_HOST'] =~ /x/", NULL},
        {"when ENV['DB_HOST'] => x", NULL},
        {"ENV.fetch('DB_HOST', 'x')", NULL},
        {"# ENV['DB_HOST'] = 'x'", NULL},
        {"MY_ENV['DB_HOST'] = 'x'", NULL},
        {"ENVIRONMENT['DB_HOST'] = 'x'", NULL},
        {"ENV[key.to_s] = value", "variables that are not named are set here"},
        {"ENV[key] ||= value", "variables that are not named are set here"},
        {"vars.each { |k, v| ENV[\"X_#{k}\"] = v }", "variables that are not named are set here"},
        {"ENV[names[0]] = v", "variables that are not named are set here"},
        {"x = ENV[key]", NULL},
        {"ENV.store('DB_HOST', 'x')", "DB_HOST is set here"},
        {"ENV.store 'OTHER', 'x'", NULL},
        {"ENV.store(key, value)", "variables that are not named are set here"},
        {"ENV.delete('SET')", "SET is set here"},
        {"ENV.delete('DB_HOST')", NULL},
        {"ENV.delete(name)", "variables that are not named are set here"},
        {"ENV.update(YAML.load_file('config/env.yml'))",
            "variables that are not named are set here"},
        {"ENV.merge!(vars)", "variables that are not named are set here"},
        {"ENV.merge(vars)", NULL},
        {"ENV.replace(ENV.to_h.merge(x))", "variables that are not named are set here"},
        {"ENV.delete_if { |k, _| k == 'X' }", "variables that are not named are set here"},
        {"ENV.reject { |k| k }", NULL},
        {"ENV.clear", "variables that are not named are set here"},
        {"ENV", NULL},
        {"ENV[", NULL},
        {"ENV['DB_HOST", NULL},
        {"ENV['DB_HOST']", NULL},
        {"ENV[\"DB_HOST\\\"] = 1", NULL},
        {"ENV.", NULL},
        {"", NULL},
    };
    (void)state;
    assert_int_equal(setenv("SET", "something", 1), 0);
    assert_int_equal(unsetenv("DB_HOST"), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text what = {.data = NULL};
        bool writes = ruby_writes_variable(rows[i].line, is_wanted, NULL, &what);
        const char *expected = rows[i].what == NULL ? "" : rows[i].what;
        if (writes != (rows[i].what != NULL) || strcmp(text_string(&what), expected) != 0) {
            fail_msg("%s: `%s`, not `%s`", rows[i].line, text_string(&what), expected);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_read_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
