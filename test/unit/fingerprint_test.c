/*
 * What changes a fingerprint and what does not, on real files.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prepare/fingerprint.h"

static char root[] = "/tmp/signalbox-fingerprint-XXXXXX";
static struct step_list steps;

static void put(const char *path, const char *content) {
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
    assert_true(fputs(content, file) != EOF);
    assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int make_tree(void **state) {
    struct error error;
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/signalbox-fingerprint-XXXXXX");
    if (mkdtemp(root) == NULL || step_list_append(&steps, "./bin/rails db:prepare", &error) != 0) {
        return -1;
    }
    put("Gemfile.lock", "rails 8.1");
    put("db/migrate/1_a.rb", "create_table");
    return 0;
}

static int remove_tree(void **state) {
    (void)state;
    step_list_release(&steps);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct database shop_databases[] = {{.role = "primary", .name = "shop"}};
static const struct databases shop = {.items = shop_databases, .count = 1};

static struct fingerprint make(
    const char *environment, const char *release, const struct string_list *left_out) {
    struct fingerprint fingerprint;
    struct error error = {.text = ""};
    struct fingerprint_request request = {
        .directory = root,
        .steps = &steps,
        .environment = environment,
        .databases = &shop,
        .release = release,
        .left_out = left_out,
    };
    if (fingerprint_make(&request, &fingerprint, &error) != 0) {
        fail_msg("%s", error.text);
    }
    return fingerprint;
}

static struct fingerprint fingerprint_of(const char *environment, const char *release) {
    return make(environment, release, NULL);
}

static struct fingerprint fingerprint_without(const struct string_list *left_out) {
    return make("production", NULL, left_out);
}

static struct fingerprint now(void) {
    return fingerprint_of("production", NULL);
}

static void the_same_content_has_the_same_fingerprint(void **state) {
    (void)state;
    struct fingerprint first = now();
    assert_int_equal(strlen(first.hex), 64);
    assert_int_equal(first.files, 2);
    assert_int_equal(first.bytes, 9 + 12);
    put("db/migrate/1_a.rb", "create_table");
    assert_string_equal(first.hex, now().hex);
}

static void a_changed_added_renamed_or_moved_byte_changes_it(void **state) {
    (void)state;
    struct fingerprint before = now();
    put("db/migrate/1_a.rb", "create_tablf");
    assert_string_not_equal(before.hex, now().hex);
    put("db/migrate/1_a.rb", "create_table");
    put("db/migrate/2_b.rb", "");
    assert_string_not_equal(before.hex, now().hex);
    struct fingerprint with_empty = now();
    char from[512];
    char to[512];
    (void)snprintf(from, sizeof from, "%s/db/migrate/2_b.rb", root);
    (void)snprintf(to, sizeof to, "%s/db/migrate/2_c.rb", root);
    assert_int_equal(rename(from, to), 0);
    assert_string_not_equal(with_empty.hex, now().hex);
    /* The end of one file moved to the beginning of the next. */
    put("a", "12");
    put("b", "3");
    struct fingerprint split = now();
    put("a", "1");
    put("b", "23");
    assert_string_not_equal(split.hex, now().hex);
}

static void what_is_not_the_image_is_left_out(void **state) {
    (void)state;
    struct fingerprint before = now();
    put("log/production.log", "x");
    put("tmp/cache/y", "x");
    put("storage/blob", "x");
    put("node_modules/left-pad/index.js", "x");
    put("public/assets/app.css", "x");
    put(".git/HEAD", "x");
    put("vendor/bundle/gem", "x");
    put("db/production.sqlite3-wal", "x");
    assert_string_equal(before.hex, now().hex);
    /* The same names elsewhere are the app's. */
    put("app/log/entry.rb", "x");
    assert_string_not_equal(before.hex, now().hex);
    before = now();
    put("vendor/javascript/x.js", "x");
    assert_string_not_equal(before.hex, now().hex);
}

static void what_is_named_is_left_out_and_nothing_else(void **state) {
    (void)state;
    AUTO_FREE char *real = realpath(root, NULL);
    AUTO_TEXT struct text named = {.data = NULL};
    AUTO_STRING_LIST struct string_list left_out = {.items = NULL};
    struct fingerprint before = now();
    text_append_format(&named, "%s/db/production.db", real);
    string_list_append(&left_out, text_string(&named));
    put("db/production.db", "x");
    assert_string_not_equal(before.hex, now().hex);
    assert_string_equal(before.hex, fingerprint_without(&left_out).hex);
    put("db/production.db.rb", "x");
    assert_string_not_equal(before.hex, fingerprint_without(&left_out).hex);
}

static void a_link_counts_as_what_it_says_and_is_not_followed(void **state) {
    (void)state;
    char link_path[512];
    (void)snprintf(link_path, sizeof link_path, "%s/link", root);
    assert_int_equal(symlink("/etc", link_path), 0);
    struct fingerprint before = now();
    assert_int_equal(before.files, 3);
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(symlink("/nowhere", link_path), 0);
    assert_string_not_equal(before.hex, now().hex);
}

static void a_pipe_is_not_waited_for(void **state) {
    (void)state;
    char path[512];
    struct fingerprint before = now();
    (void)snprintf(path, sizeof path, "%s/pipe", root);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_string_not_equal(before.hex, now().hex);
}

static void settings_change_it(void **state) {
    (void)state;
    struct fingerprint before = now();
    assert_string_not_equal(before.hex, fingerprint_of("staging", NULL).hex);
    assert_string_not_equal(before.hex, fingerprint_of("production", "v2").hex);
    assert_string_not_equal(
        fingerprint_of("production", "v1").hex, fingerprint_of("production", "v2").hex);
    struct error error;
    assert_int_equal(step_list_append(&steps, "./bin/rails db:seed", &error), 0);
    assert_string_not_equal(before.hex, now().hex);
}

static void a_missing_directory_is_named(void **state) {
    (void)state;
    struct fingerprint fingerprint;
    struct error error;
    struct fingerprint_request request = {.directory = "/nonexistent",
        .steps = &steps,
        .environment = "production",
        .databases = &shop};
    assert_int_equal(fingerprint_make(&request, &fingerprint, &error), -1);
    assert_int_equal(error.exit_status, 78);
    assert_string_equal(error.text,
        "/nonexistent cannot be read (No such file or directory), so nobody can say whether this "
        "image's content is prepared");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_content_has_the_same_fingerprint),
        TEST(a_changed_added_renamed_or_moved_byte_changes_it),
        TEST(what_is_not_the_image_is_left_out),
        TEST(what_is_named_is_left_out_and_nothing_else),
        TEST(a_link_counts_as_what_it_says_and_is_not_followed),
        TEST(a_pipe_is_not_waited_for),
        TEST(settings_change_it),
        TEST(a_missing_directory_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
