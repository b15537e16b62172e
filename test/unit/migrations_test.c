/*
 * Which files are migrations, and which version each has.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/migrations.h"

static char root[] = "/tmp/signalbox-migrations-XXXXXX";

static void put(const char *path) {
    char full[512];
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static int make_tree(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/signalbox-migrations-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int remove_tree(void **state) {
    (void)state;
    return directory_remove(root);
}

static void a_version_is_the_number_that_the_name_begins_with(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *version; /* NULL: no migration. */
    } rows[] = {
        {"20261101000000_create_products.rb", "20261101000000"},
        {"20261101000000_create_blobs.active_storage.rb", "20261101000000"},
        {"1_a.rb", "1"},
        {"0042_a.rb", "42"},
        {"000_a.rb", "0"},
        {"0_a.rb", "0"},
        {"123456789012345678901234567890_a.rb", "123456789012345678901234567890"},
        {"1_.rb", "1"},
        {"1__a.rb", "1"},
        {"create_products.rb", NULL},
        {"_1_a.rb", NULL},
        {".1_a.rb", NULL},
        {"1a_b.rb", NULL},
        {"1.rb", NULL},
        {"1_a.sql", NULL},
        {"1_a.rb~", NULL},
        {"1_rb", NULL},
        {"1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t length = 0;
        const char *version = migrations_version(rows[i].name, &length);
        if ((version == NULL) != (rows[i].version == NULL)) {
            fail_msg("`%s` is taken for the other thing", rows[i].name);
        }
        if (version != NULL && rows[i].version != NULL) {
            AUTO_FREE char *copy = string_copy_part(version, length);
            assert_string_equal(copy, rows[i].version);
        }
    }
}

static void check_paths(const char *const *paths, const char *expected) {
    AUTO_STRING_LIST struct string_list list = {.items = NULL};
    AUTO_TEXT struct text found = {.data = NULL};
    AUTO_MIGRATIONS struct migrations migrations;
    for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
        string_list_append(&list, paths[i]);
    }
    migrations_read(root, &list, &migrations);
    for (size_t i = 0; i < migrations.count; i++) {
        text_append_format(&found, "%s=%s ", migrations.items[i].version, migrations.items[i].path);
    }
    assert_string_equal(text_string(&found), expected);
}

static void without_a_path_it_is_the_one_of_rails(void **state) {
    (void)state;
    put("db/migrate/10_b.rb");
    put("db/migrate/9_a.rb");
    put("db/queue_migrate/1_a.rb");
    check_paths(NULL, "9=db/migrate/9_a.rb 10=db/migrate/10_b.rb ");
}

static void every_path_counts_at_any_depth(void **state) {
    (void)state;
    static const char *const paths[] = {"db/queue_migrate", "db/more", "db/nowhere", NULL};
    char link_path[512];
    put("db/migrate/9_a.rb");
    put("db/queue_migrate/2_b.rb");
    put("db/queue_migrate/2026/11/1_a.rb");
    put("db/queue_migrate/.git/3_c.rb");
    put("db/queue_migrate/README.md");
    put("db/more/002_again.rb");
    (void)snprintf(link_path, sizeof link_path, "%s/db/more/linked", root);
    assert_int_equal(symlink("../migrate", link_path), 0);
    (void)snprintf(link_path, sizeof link_path, "%s/db/more/7_linked.rb", root);
    assert_int_equal(symlink("../migrate/9_a.rb", link_path), 0);
    check_paths(paths,
        "1=db/queue_migrate/2026/11/1_a.rb 2=db/more/002_again.rb 2=db/queue_migrate/2_b.rb "
        "7=db/more/7_linked.rb ");
}

static void a_path_that_is_not_there_has_none(void **state) {
    (void)state;
    check_paths(NULL, "");
}

static void a_version_leads_to_its_file(void **state) {
    (void)state;
    AUTO_STRING_LIST struct string_list paths = {.items = NULL};
    AUTO_MIGRATIONS struct migrations migrations;
    put("db/migrate/0042_a.rb");
    migrations_read(root, &paths, &migrations);
    assert_string_equal(migrations_path_of(&migrations, "42"), "db/migrate/0042_a.rb");
    assert_null(migrations_path_of(&migrations, "0042"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_the_number_that_the_name_begins_with),
        TEST(without_a_path_it_is_the_one_of_rails),
        TEST(every_path_counts_at_any_depth),
        TEST(a_path_that_is_not_there_has_none),
        TEST(a_version_leads_to_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
