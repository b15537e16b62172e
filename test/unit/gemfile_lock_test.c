/*
 * The folders of gems in the repository, from Bundler's lock file.
 */
#include "unit.h"

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/gemfile_lock.h"

static const char lock_file[] = "GIT\n"
                                "  remote: https://github.com/rails/rails.git\n"
                                "  revision: 0123\n"
                                "  specs:\n"
                                "    rails (8.1.0)\n"
                                "\n"
                                "PATH\n"
                                "  remote: engines/shop\n"
                                "  specs:\n"
                                "    shop (0.1.0)\n"
                                "      rails (>= 8.0)\n"
                                "\n"
                                "PATH\r\n"
                                "  remote: ../a folder/gem\r\n"
                                "  glob: gems/*.gemspec\r\n"
                                "  specs:\r\n"
                                "    gem (1)\r\n"
                                "GEM\n"
                                "  remote: https://rubygems.org/\n"
                                "  specs:\n"
                                "    remote: (1)\n"
                                "PATH\n"
                                "  remote: .";

static void the_remotes_of_path_sections_are_found(void **state) {
    (void)state;
    AUTO_STRING_LIST struct string_list paths = {.items = NULL};
    gemfile_lock_paths(lock_file, sizeof lock_file - 1, &paths);
    assert_int_equal(paths.count, 3);
    assert_string_equal(paths.items[0], "engines/shop");
    assert_string_equal(paths.items[1], "../a folder/gem");
    assert_string_equal(paths.items[2], ".");
}

static void the_lock_file_has_bundlers_name(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"Gemfile", "Gemfile.lock"},
        {"/rails/Gemfile", "/rails/Gemfile.lock"},
        {"gemfiles/rails8.gemfile", "gemfiles/rails8.gemfile.lock"},
        {"gems.rb", "gems.locked"},
        {"/app/gems.rb", "/app/gems.locked"},
        {"my-gems.rb", "my-gems.rb.lock"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text name = {.data = NULL};
        gemfile_lock_name(rows[i][0], &name);
        assert_string_equal(text_string(&name), rows[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_remotes_of_path_sections_are_found),
        cmocka_unit_test(the_lock_file_has_bundlers_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
