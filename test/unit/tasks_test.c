/*
 * What the steps do to a database that is missing or empty.
 */
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "signalbox/base/text.h"
#include "signalbox/rails/tasks.h"

static void steps_create_and_load_by_the_tasks_they_name(void **state) {
    (void)state;
    static const struct {
        const char *step;
        int rails_major;
        bool creates;
        const char *loader;
    } rows[] = {
        {"./bin/rails db:prepare", 8, true, "db:prepare"},
        {"bundle exec rake db:prepare", 7, true, "db:prepare"},
        {"sh -c 'bin/rails db:prepare && bin/seed'", 7, true, "db:prepare"},
        {"./bin/rails db:setup", 8, true, "db:setup"},
        {"./bin/rails db:setup:queue", 8, true, "db:setup"},
        {"./bin/rails db:create", 8, true, NULL},
        {"./bin/rails db:create db:migrate", 7, true, NULL},
        {"./bin/rails db:create:queue", 8, true, NULL},
        {"./bin/rails db:schema:load", 8, false, "db:schema:load"},
        {"./bin/rails db:schema:load:queue", 8, false, "db:schema:load"},
        {"./bin/rails db:migrate", 7, false, NULL},
        {"./bin/rails db:migrate", 8, true, "db:migrate"},
        {"./bin/rails db:migrate", 9, true, "db:migrate"},
        {"./bin/rails db:migrate", 0, false, "db:migrate"},
        {"./bin/rails db:migrate:queue", 8, true, "db:migrate"},
        {"./bin/rails db:migrate:status", 8, false, NULL},
        {"./bin/rails db:migrate:upstream", 8, true, "db:migrate"},
        {"./bin/rails db:seed", 8, false, NULL},
        {"./bin/rails app:db:prepare", 8, false, NULL},
        {"./bin/rails db:prepare_demo", 8, false, NULL},
        {"bin/prepare", 8, false, NULL},
        {"db:prepare", 8, false, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STEP_LIST struct step_list steps = {.items = NULL};
        struct error error;
        assert_int_equal(step_list_append(&steps, rows[i].step, &error), 0);
        struct tasks tasks = tasks_of_steps(&steps, rows[i].rails_major);
        if (tasks.create != rows[i].creates) {
            fail_msg("`%s` with Rails %d: creates", rows[i].step, rows[i].rails_major);
        }
        if ((tasks.loader == NULL) != (rows[i].loader == NULL)) {
            fail_msg("`%s` with Rails %d: loads", rows[i].step, rows[i].rails_major);
        }
        if (tasks.loader != NULL && rows[i].loader != NULL) {
            assert_string_equal(tasks.loader, rows[i].loader);
        }
    }
}

static void only_whole_migrations_are_certain_to_leave_none_out(void **state) {
    (void)state;
    static const struct {
        const char *step;
        bool is_whole;
    } rows[] = {
        {"./bin/rails db:prepare", true},
        {"bundle exec rake db:migrate", true},
        {"./bin/rails db:migrate db:seed", true},
        {"./bin/rails db:setup", true},
        {"RAILS_ENV=production ./bin/rails db:prepare", true},
        {"./bin/rails db:migrate:queue", false},
        {"./bin/rails db:create", false},
        {"./bin/rails db:seed", false},
        {"VERSION=42 ./bin/rails db:migrate", false},
        {"./bin/rails db:migrate VERSION=42", false},
        {"SCOPE=engine ./bin/rails db:migrate", false},
        {"SKIP_POST_DEPLOYMENT_MIGRATIONS=1 ./bin/rails db:migrate", false},
        {"sh -c 'bin/rails db:migrate || true'", false},
        {"bin/prepare", false},
        {"db:prepare", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STEP_LIST struct step_list steps = {.items = NULL};
        struct error error;
        assert_int_equal(step_list_append(&steps, rows[i].step, &error), 0);
        if (tasks_migrate_wholly(&steps) != rows[i].is_whole) {
            fail_msg("`%s`", rows[i].step);
        }
        assert_int_equal(setenv("VERSION", "42", 1), 0);
        assert_false(tasks_migrate_wholly(&steps));
        assert_int_equal(unsetenv("VERSION"), 0);
    }
}

static void a_task_for_one_database_concerns_no_other(void **state) {
    (void)state;
    static const struct {
        const char *step;
        bool primary;
        bool queue;
    } rows[] = {
        {"./bin/rails db:prepare", true, true},
        {"./bin/rails db:migrate:queue", false, true},
        {"./bin/rails db:migrate:primary db:migrate:queue", true, true},
        {"./bin/rails db:create:queue db:migrate:primary", true, true},
        {"./bin/rails db:create:queue db:schema:load:queue", false, true},
        {"./bin/rails db:create:all", true, true},
        {"./bin/rails db:migrate:queue db:create", true, true},
        {"./bin/rails db:migrate:que db:migrate:queues", false, false},
        {"./bin/rails db:seed", false, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_STEP_LIST struct step_list steps = {.items = NULL};
        struct error error;
        assert_int_equal(step_list_append(&steps, rows[i].step, &error), 0);
        struct tasks tasks = tasks_of_steps(&steps, 8);
        if (tasks_concern(&tasks, "primary") != rows[i].primary ||
            tasks_concern(&tasks, "queue") != rows[i].queue) {
            fail_msg("`%s`", rows[i].step);
        }
    }
}

static void names_that_do_not_fit_stand_for_every_database(void **state) {
    (void)state;
    AUTO_STEP_LIST struct step_list steps = {.items = NULL};
    AUTO_TEXT struct text line = {.data = NULL};
    struct error error;
    text_append_string(&line, "rails");
    for (int i = 0; i < 60; i++) {
        text_append_format(&line, " db:migrate:queue_%d", i);
    }
    assert_int_equal(step_list_append(&steps, text_string(&line), &error), 0);
    struct tasks tasks = tasks_of_steps(&steps, 8);
    assert_true(tasks_concern(&tasks, "queue_59"));
}

static void the_version_of_rails_is_read_from_the_lock_file(void **state) {
    (void)state;
    static const struct {
        const char *content; /* NULL: there is no file. */
        int major;
    } rows[] = {
        {"GEM\n  specs:\n    activerecord (8.1.4)\n      activemodel (= 8.1.4)\n", 8},
        {"    activerecord (7.2.2.1)\n", 7},
        {"    activerecord (10.0.0.beta1)\n", 10},
        {"    activerecord-import (1.0)\n    activerecord (7.1.0)\n", 7},
        {"      activerecord (>= 6)\n", 0},
        {"    activerecord (x)\n", 0},
        {"    sequel (5.0)\n", 0},
        {"", 0},
        {NULL, 0},
    };
    assert_int_equal(unsetenv("BUNDLE_GEMFILE"), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char root[] = "/tmp/signalbox-tasks-XXXXXX";
        AUTO_TEXT struct text path = {.data = NULL};
        assert_non_null(mkdtemp(root));
        text_append_format(&path, "%s/Gemfile.lock", root);
        if (rows[i].content != NULL) {
            FILE *file = fopen(text_string(&path), "w");
            assert_non_null(file);
            assert_true(fputs(rows[i].content, file) != EOF);
            assert_int_equal(fclose(file), 0);
        }
        assert_int_equal(tasks_rails_major(root), rows[i].major);
        /* Bundler looks beside its own Gemfile first. */
        AUTO_TEXT struct text gemfile = {.data = NULL};
        text_append_format(&gemfile, "%s/Gemfile", root);
        assert_int_equal(setenv("BUNDLE_GEMFILE", text_string(&gemfile), 1), 0);
        assert_int_equal(tasks_rails_major("/nonexistent"), rows[i].major);
        assert_int_equal(unsetenv("BUNDLE_GEMFILE"), 0);
        (void)unlink(text_string(&path));
        assert_int_equal(rmdir(root), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_create_and_load_by_the_tasks_they_name),
        cmocka_unit_test(only_whole_migrations_are_certain_to_leave_none_out),
        cmocka_unit_test(a_task_for_one_database_concerns_no_other),
        cmocka_unit_test(names_that_do_not_fit_stand_for_every_database),
        cmocka_unit_test(the_version_of_rails_is_read_from_the_lock_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
