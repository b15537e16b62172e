/*
 * What changes a fingerprint and what does not, on real files.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/fingerprint/fingerprint.h"

static char root[] = "/tmp/signalbox-fingerprint-XXXXXX";
static struct step_list steps;
static struct string_list warnings;

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

static int make_tree(void **state) {
    struct error error;
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/signalbox-fingerprint-XXXXXX");
    if (unsetenv("BUNDLE_GEMFILE") != 0 || unsetenv("SKIP_POST_DEPLOYMENT_MIGRATIONS") != 0) {
        return -1;
    }
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
    string_list_release(&warnings);
    return directory_remove(root);
}

static struct database shop_databases[] = {{.role = "primary", .name = "shop"}};
static const struct databases shop = {.items = shop_databases, .count = 1};

static struct fingerprint_request ordinary_request(void) {
    return (struct fingerprint_request){
        .directory = root, .steps = &steps, .environment = "production", .databases = &shop};
}

static struct fingerprint fingerprint_for(const struct fingerprint_request *request) {
    struct fingerprint fingerprint;
    struct error error = {.text = ""};
    string_list_release(&warnings);
    if (fingerprint_make(request, &fingerprint, &warnings, &error) != 0) {
        fail_msg("%s", error.text);
    }
    return fingerprint;
}

static struct fingerprint fingerprint_of(const char *environment, const char *release) {
    struct fingerprint_request request = ordinary_request();
    request.environment = environment;
    request.release = release;
    return fingerprint_for(&request);
}

static struct fingerprint fingerprint_without(const struct string_list *left_out) {
    struct fingerprint_request request = ordinary_request();
    request.left_out = left_out;
    return fingerprint_for(&request);
}

static struct fingerprint now(void) {
    return fingerprint_of("production", NULL);
}

/* With --watch, its entries separated by blanks. */
static struct fingerprint watching(const char *entries) {
    AUTO_STRING_LIST struct string_list watch = {.items = NULL};
    struct fingerprint_request request = ordinary_request();
    for (const char *at = entries; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        string_list_append_owned(&watch, string_copy_part(at, length));
        at += length;
    }
    request.watch = &watch;
    return fingerprint_for(&request);
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

/* On tmpfs a folder lists last what was made first. */
static void the_order_in_which_files_were_made_does_not_matter(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "c/d", "c/e", "f"};
    struct fingerprint made[2];
    char kept[sizeof root];
    memcpy(kept, root, sizeof root);
    for (size_t backwards = 0; backwards < ARRAY_LENGTH(made); backwards++) {
        (void)snprintf(root, sizeof root, "/dev/shm/signalbox-XXXXXX");
        assert_non_null(mkdtemp(root));
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
            put(names[backwards == 0 ? i : ARRAY_LENGTH(names) - 1 - i], "x");
        }
        made[backwards] = now();
        assert_int_equal(directory_remove(root), 0);
    }
    memcpy(root, kept, sizeof root);
    assert_string_equal(made[0].hex, made[1].hex);
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

static void a_setting_that_is_empty_is_not_set(void **state) {
    (void)state;
    struct fingerprint before = now();
    assert_int_equal(setenv("SKIP_POST_DEPLOYMENT_MIGRATIONS", "", 1), 0);
    assert_string_equal(before.hex, now().hex);
    assert_int_equal(setenv("SKIP_POST_DEPLOYMENT_MIGRATIONS", "true", 1), 0);
    assert_string_not_equal(before.hex, now().hex);
}

static void the_environment_of_a_step_changes_it(void **state) {
    (void)state;
    struct error error;
    step_list_release(&steps);
    assert_int_equal(step_list_append(&steps, "PART=1 ./bin/rails db:migrate", &error), 0);
    struct fingerprint before = now();
    step_list_release(&steps);
    assert_int_equal(step_list_append(&steps, "PART=2 ./bin/rails db:migrate", &error), 0);
    assert_string_not_equal(before.hex, now().hex);
}

static void databases_count_by_name_and_not_by_address(void **state) {
    (void)state;
    struct fingerprint before = now();
    struct database elsewhere[] = {
        {.role = "primary", .name = "shop", .host = "pooler", .port = "6432", .user = "web"}};
    struct databases databases = {.items = elsewhere, .count = 1};
    struct fingerprint_request request = ordinary_request();
    request.databases = &databases;
    assert_string_equal(before.hex, fingerprint_for(&request).hex);
    elsewhere[0].schema_search_path = "shop, public";
    assert_string_not_equal(before.hex, fingerprint_for(&request).hex);
    elsewhere[0].schema_search_path = NULL;
    elsewhere[0].name = "other";
    assert_string_not_equal(before.hex, fingerprint_for(&request).hex);
    elsewhere[0].name = "shop";
    elsewhere[0].role = "queue";
    assert_string_not_equal(before.hex, fingerprint_for(&request).hex);
}

/* --- what is watched -------------------------------------------------------- */

static void only_what_is_named_counts(void **state) {
    (void)state;
    static const struct {
        const char *watch;
        int64_t files;
    } rows[] = {
        {"Gemfile.lock", 1},
        {"./Gemfile.lock", 1},
        {"db", 3},
        {"db/", 3},
        {"db/**", 3},
        {"db/*", 3},
        {"db/*.rb", 1},
        {"**/*.rb", 4},
        {"**/db", 4},
        {"db/migrate/[0-9]*_*.rb Gemfile.lock", 2},
        {"db db/schema.rb **/schema.rb", 3},
        {".", 6},
        {"public/robots.txt", 1},
        {"public", 2},
        {"**/*.txt", 1},
        {"config.d", 1},
        {"*/*hidden", 0},
        {"db/*.sqlite3", 0},
        {"db/app.sqlite3", 1},
        {"vendor/bundle/db", 1},
    };
    put("db/schema.rb", "schema");
    put("db/migrate/.keep", "");
    put("db/app.sqlite3", "data");
    put("engines/shop/db/seeds.rb", "seeds");
    put("engines/shop/lib/shop.rb", "library");
    put("notes/read.txt", "text");
    put("public/robots.txt", "text");
    put("public/icon.svg", "picture");
    put("vendor/bundle/db/gem.rb", "gem");
    put("config.d/.hidden", "hidden");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct fingerprint fingerprint = watching(rows[i].watch);
        int64_t expected = strcmp(rows[i].watch, ".") == 0 ? now().files : rows[i].files;
        if (fingerprint.files != expected) {
            fail_msg("`%s` is %lld files", rows[i].watch, (long long)fingerprint.files);
        }
        assert_int_equal(fingerprint.hex[0] == '\0', expected == 0);
    }
}

static void what_is_not_named_changes_nothing(void **state) {
    (void)state;
    struct fingerprint before = watching("db Gemfile.lock");
    put("app/models/shop.rb", "class Shop");
    assert_string_equal(before.hex, watching("db Gemfile.lock").hex);
    assert_string_equal(before.hex, watching("Gemfile.lock ./db/**").hex);
    put("db/migrate/2_b.rb", "add_column");
    assert_string_not_equal(before.hex, watching("db Gemfile.lock").hex);
}

static void what_matches_nothing_is_named(void **state) {
    (void)state;
    struct fingerprint some = watching("db confg/*.yml");
    assert_int_equal(strlen(some.hex), 64);
    assert_int_equal(warnings.count, 1);
    assert_string_equal(
        warnings.items[0], "--watch: `confg/*.yml` matches no file, so it decides nothing");
    struct fingerprint none = watching("confg/*.yml /nonexistent/*/x ../nonexistent");
    assert_string_equal(none.hex, "");
    assert_string_equal(none.nothing, "no file that --watch names exists");
    assert_int_equal(warnings.count, 3);
}

static void a_variable_is_mixed_in(void **state) {
    (void)state;
    assert_int_equal(unsetenv("SHOP_FLAGS"), 0);
    struct fingerprint before = watching("db $SHOP_FLAGS");
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "SHOP_FLAGS is not set"));
    assert_int_equal(setenv("SHOP_FLAGS", "", 1), 0);
    assert_string_equal(before.hex, watching("db $SHOP_FLAGS").hex);
    assert_int_equal(warnings.count, 0);
    assert_int_equal(setenv("SHOP_FLAGS", "one", 1), 0);
    struct fingerprint one = watching("db $SHOP_FLAGS");
    assert_string_not_equal(before.hex, one.hex);
    assert_int_equal(setenv("SHOP_FLAGS", "two", 1), 0);
    assert_string_not_equal(one.hex, watching("db $SHOP_FLAGS").hex);
    assert_int_equal(strlen(watching("$SHOP_FLAGS").hex), 64);
    assert_int_equal(unsetenv("SHOP_FLAGS"), 0);
}

static void the_schema_is_what_migrations_come_from(void **state) {
    (void)state;
    static const char *const counted[] = {"db/migrate/2_b.rb", "engines/shop/db/migrate/3_c.rb",
        "lib/tasks/db.rake", "Rakefile", "config/application.rb", "config/database.yml",
        "gems/local/lib/local.rb", "migrations/cache/4_d.rb"};
    static const char *const not_counted[] = {
        "app/models/shop.rb", "config/routes.rb", "tmp/db/x", "node_modules/x/db/y", "lib/shop.rb"};
    char *paths[] = {"migrations/cache", NULL};
    struct database with_paths[] = {
        {.role = "primary", .name = "shop", .migrations_paths = {.items = paths, .count = 1}}};
    struct databases databases = {.items = with_paths, .count = 1};
    char *schema[] = {"schema", NULL};
    struct string_list watch = {.items = schema, .count = 1};
    struct fingerprint_request request = ordinary_request();
    request.databases = &databases;
    request.watch = &watch;
    put("Gemfile.lock", "PATH\n  remote: gems/local\n  specs:\n    local (1)\n");
    struct fingerprint before = fingerprint_for(&request);
    for (size_t i = 0; i < ARRAY_LENGTH(not_counted); i++) {
        put(not_counted[i], "x");
        assert_string_equal(before.hex, fingerprint_for(&request).hex);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(counted); i++) {
        put(counted[i], "x");
        struct fingerprint after = fingerprint_for(&request);
        if (strcmp(before.hex, after.hex) == 0) {
            fail_msg("%s does not count", counted[i]);
        }
        before = after;
    }
    assert_int_equal(warnings.count, 0);
    request.databases = NULL;
    (void)fingerprint_for(&request);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "only Rails knows"));
}

/* --- one file, one name ----------------------------------------------------- */

static void bundlers_variable_may_say_what_holds_anyway(void **state) {
    (void)state;
    char gemfile[512];
    struct fingerprint before = now();
    struct fingerprint schema = watching("schema");
    (void)snprintf(gemfile, sizeof gemfile, "%s/Gemfile", root);
    assert_int_equal(setenv("BUNDLE_GEMFILE", gemfile, 1), 0);
    assert_string_equal(before.hex, now().hex);
    assert_string_equal(schema.hex, watching("schema").hex);
    assert_int_equal(setenv("BUNDLE_GEMFILE", "./Gemfile", 1), 0);
    assert_string_equal(before.hex, now().hex);
}

static void a_lock_file_outside_counts_too(void **state) {
    (void)state;
    char lock_file[512];
    struct fingerprint before = now();
    char gemfile[] = "/tmp/signalbox-gemfile-XXXXXX";
    int fd = mkstemp(gemfile);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(lock_file, sizeof lock_file, "%s.lock", gemfile);
    assert_int_equal(rename(gemfile, lock_file), 0);
    assert_int_equal(setenv("BUNDLE_GEMFILE", gemfile, 1), 0);
    struct fingerprint with_lock = now();
    assert_int_equal(with_lock.files, before.files + 1);
    FILE *file = fopen(lock_file, "w");
    assert_non_null(file);
    assert_true(fputs("rails 9", file) != EOF);
    assert_int_equal(fclose(file), 0);
    assert_string_not_equal(with_lock.hex, now().hex);
    assert_int_equal(unlink(lock_file), 0);
}

static void an_absolute_way_in_is_the_same_as_a_relative_one(void **state) {
    (void)state;
    char entry[512];
    const char *name = strrchr(root, '/') + 1;
    struct fingerprint before = watching("db/migrate/*.rb");
    (void)snprintf(entry, sizeof entry, "%s/db/migrate/*.rb", root);
    assert_string_equal(before.hex, watching(entry).hex);
    (void)snprintf(entry, sizeof entry, "../%s/db/migrate/*.rb", name);
    assert_string_equal(before.hex, watching(entry).hex);
    before = watching(".");
    assert_string_equal(before.hex, watching(root).hex);
    (void)snprintf(entry, sizeof entry, "../%s", name);
    assert_string_equal(before.hex, watching(entry).hex);
}

/* --- links ------------------------------------------------------------------ */

static void make_link(const char *target, const char *path) {
    char full[512];
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    (void)unlink(full);
    assert_int_equal(symlink(target, full), 0);
}

static void a_named_link_is_followed_within_the_directory(void **state) {
    (void)state;
    put("shared/migrations/5_e.rb", "one");
    make_link("../shared/migrations", "db/more");
    make_link("../shared/migrations/5_e.rb", "db/one.rb");
    struct fingerprint before = watching("db/more/*.rb db/one.rb");
    assert_int_equal(before.files, 3);
    put("shared/migrations/5_e.rb", "two");
    assert_string_not_equal(before.hex, watching("db/more/*.rb db/one.rb").hex);
    assert_int_equal(warnings.count, 0);
}

/* As Kubernetes mounts a ConfigMap: what is in it has a folder named by the time. */
static void where_a_link_leads_may_have_any_name(void **state) {
    (void)state;
    put("flags/..2026_11_21/flags.yml", "on");
    put("flags/..2026_11_22/flags.yml", "on");
    make_link("..2026_11_21", "flags/..data");
    make_link("..data/flags.yml", "flags/flags.yml");
    struct fingerprint before = watching("flags/*.yml");
    assert_int_equal(before.files, 2);
    make_link("..2026_11_22", "flags/..data");
    assert_string_equal(before.hex, watching("flags/*.yml").hex);
    put("flags/..2026_11_22/flags.yml", "off");
    assert_string_not_equal(before.hex, watching("flags/*.yml").hex);
}

static void a_link_out_of_the_directory_is_named_and_not_followed(void **state) {
    (void)state;
    make_link("/etc", "outside");
    make_link("/etc/passwd", "passwd");
    assert_int_equal(watching("outside").files, 1);
    assert_int_equal(warnings.count, 1);
    assert_string_equal(warnings.items[0],
        "--watch: outside is a link out of the directory and is not followed; name its target");
    assert_int_equal(watching("passwd").bytes, 0);
    assert_int_equal(warnings.count, 1);
}

static void links_in_a_circle_end(void **state) {
    (void)state;
    put("a/x", "x");
    put("b/y", "y");
    make_link("../b", "a/b");
    make_link("../a", "b/a");
    make_link("..", "a/up");
    make_link("itself", "itself");
    assert_int_equal(watching("a b itself").files, 11);
}

/* --- reading ---------------------------------------------------------------- */

/* Half of the name at the end of one buffer of 64 kB, half at the beginning of the next. */
static void the_ledgers_name_is_found_wherever_it_stands(void **state) {
    (void)state;
    static const long places[] = {0, 1, 65530, 65535, 65536, 131070, 200000};
    char path[512];
    assert_string_equal(now().ledger_named_in, "");
    put("db/near_miss.rb", "signalbox_run s signalbox_");
    put("config/initializers/signalbox.rb", "ignore_tables += [\"signalbox_runs\"]");
    assert_string_equal(now().ledger_named_in, "");
    (void)snprintf(path, sizeof path, "%s/db/structure.sql", root);
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (long byte = 0; byte < places[i]; byte++) {
            assert_int_equal(fputc('s', file), 's');
        }
        assert_true(fputs("signalbox_runs", file) != EOF);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(now().ledger_named_in, "db/structure.sql");
    }
}

static void schema_files_are_searched_whatever_is_watched(void **state) {
    (void)state;
    put("db/structure.sql", "CREATE TABLE signalbox_runs");
    struct fingerprint narrow = watching("Gemfile.lock");
    assert_int_equal(narrow.files, 1);
    assert_string_equal(narrow.ledger_named_in, "db/structure.sql");
    put("db/structure.sql", "CREATE TABLE shops");
    assert_string_equal(narrow.hex, watching("Gemfile.lock").hex);
}

/* Changes the file's time, each time to another one, until it is killed. */
static _Noreturn void keep_touching(int fd) {
    for (long nanoseconds = 0;; nanoseconds = (nanoseconds + 1) % 1000000000) {
        struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = nanoseconds}};
        if (futimens(fd, times) != 0) {
            _exit(1);
        }
    }
}

static void a_file_that_is_always_being_written_is_named(void **state) {
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/app.log", root);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 2 << 20), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        keep_touching(fd);
    }
    /* However seldom the writer gets a processor, it will be while the file is read. */
    do {
        (void)now();
    } while (warnings.count == 0);
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    (void)close(fd);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "app.log changes while it is read"));
}

static void an_empty_directory_watches_nothing(void **state) {
    (void)state;
    char empty[512];
    (void)snprintf(empty, sizeof empty, "%s/empty", root);
    assert_int_equal(mkdir(empty, 0755), 0);
    struct fingerprint_request request = ordinary_request();
    request.directory = empty;
    struct fingerprint fingerprint = fingerprint_for(&request);
    assert_string_equal(fingerprint.hex, "");
    assert_non_null(strstr(fingerprint.nothing, "--watch"));
}

static void a_missing_directory_is_named(void **state) {
    (void)state;
    struct fingerprint fingerprint;
    struct error error;
    struct fingerprint_request request = ordinary_request();
    request.directory = "/nonexistent";
    assert_int_equal(fingerprint_make(&request, &fingerprint, &warnings, &error), -1);
    assert_int_equal(error.exit_status, 78);
    assert_non_null(strstr(error.text, "/nonexistent cannot be read by uid "));
    assert_non_null(strstr(error.text, "(No such file or directory), so it is not known whether"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_same_content_has_the_same_fingerprint),
        TEST(a_changed_added_renamed_or_moved_byte_changes_it),
        TEST(the_order_in_which_files_were_made_does_not_matter),
        TEST(what_is_not_the_image_is_left_out),
        TEST(what_is_named_is_left_out_and_nothing_else),
        TEST(a_link_counts_as_what_it_says_and_is_not_followed),
        TEST(a_pipe_is_not_waited_for),
        TEST(settings_change_it),
        TEST(a_setting_that_is_empty_is_not_set),
        TEST(the_environment_of_a_step_changes_it),
        TEST(databases_count_by_name_and_not_by_address),
        TEST(only_what_is_named_counts),
        TEST(what_is_not_named_changes_nothing),
        TEST(what_matches_nothing_is_named),
        TEST(a_variable_is_mixed_in),
        TEST(the_schema_is_what_migrations_come_from),
        TEST(bundlers_variable_may_say_what_holds_anyway),
        TEST(a_lock_file_outside_counts_too),
        TEST(an_absolute_way_in_is_the_same_as_a_relative_one),
        TEST(a_named_link_is_followed_within_the_directory),
        TEST(where_a_link_leads_may_have_any_name),
        TEST(a_link_out_of_the_directory_is_named_and_not_followed),
        TEST(links_in_a_circle_end),
        TEST(the_ledgers_name_is_found_wherever_it_stands),
        TEST(schema_files_are_searched_whatever_is_watched),
        TEST(a_file_that_is_always_being_written_is_named),
        TEST(an_empty_directory_watches_nothing),
        TEST(a_missing_directory_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
