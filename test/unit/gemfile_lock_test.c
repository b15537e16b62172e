/*
 * The folders of gems in the repository, from Bundler's lock file.
 */
#include "directory.h"
#include "unit.h"

#include <stdlib.h>

#include "signalbox/base/error.h"
#include "signalbox/base/file.h"
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

static void a_lock_file_is_the_chosen_gemfiles_or_else_the_applications(void **state) {
    (void)state;
    static const struct {
        const char *gemfile; /* $BUNDLE_GEMFILE */
        const char *there;   /* The name of the one file, or NULL. */
        bool is_read;
    } rows[] = {
        {NULL, "Gemfile.lock", true},
        {NULL, "gems.locked", true},
        {NULL, NULL, false},
        {"", "Gemfile.lock", true},
        {"gems.rb", "gems.locked", true},
        {"next.gemfile", "next.gemfile.lock", true},
        {"next.gemfile", "Gemfile.lock", true},
        {NULL, "next.gemfile.lock", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char root[] = "/tmp/signalbox-lock-XXXXXX";
        AUTO_TEXT struct text path = {.data = NULL};
        AUTO_TEXT struct text content = {.data = NULL};
        struct error error;
        assert_non_null(mkdtemp(root));
        text_append_format(&path, "%s/%s", root, rows[i].there == NULL ? "" : rows[i].there);
        if (rows[i].there != NULL) {
            assert_int_equal(file_replace(text_string(&path), "GEM\n", 4, &error), 0);
        }
        assert_int_equal(rows[i].gemfile == NULL ? unsetenv("BUNDLE_GEMFILE")
                                                 : setenv("BUNDLE_GEMFILE", rows[i].gemfile, 1),
            0);
        gemfile_lock_read(root, &content);
        if ((content.length > 0) != rows[i].is_read) {
            fail_msg("row %zu: %s", i, content.length > 0 ? "read" : "not read");
        }
        assert_int_equal(directory_remove(root), 0);
    }
    assert_int_equal(unsetenv("BUNDLE_GEMFILE"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_remotes_of_path_sections_are_found),
        cmocka_unit_test(the_lock_file_has_bundlers_name),
        cmocka_unit_test(a_lock_file_is_the_chosen_gemfiles_or_else_the_applications),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
