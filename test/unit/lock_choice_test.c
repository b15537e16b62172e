/*
 * Where the lock is, and which files SQLite's databases are: paths that lead somewhere and links
 * that lead nowhere yet, in a directory of their own.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory.h"
#include "prepare/file/sqlite_files.h"
#include "prepare/lock_choice.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static char root[] = "/tmp/signalbox-place-XXXXXX";

static int make_root(void **state) {
    (void)state;
    (void)strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) == NULL || chdir(root) != 0 ? -1 : 0;
}

static int remove_root(void **state) {
    (void)state;
    return chdir("/") != 0 ? -1 : directory_remove(root);
}

static void put(const char *name, const char *content) {
    AUTO_FD int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
}

/* "ROOT" in front stands for the directory of this test. */
static void assert_path(const char *path, const char *expected) {
    AUTO_TEXT struct text whole = {.data = NULL};
    bool is_below = string_has_prefix(expected, "ROOT");
    text_append_format(&whole, "%s%s", is_below ? root : "", expected + (is_below ? 4 : 0));
    assert_string_equal(path, text_string(&whole));
}

static void a_sqlite_database_has_a_file_unless_it_is_in_memory(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *path;
    } rows[] = {
        {"storage/production.sqlite3", "ROOT/storage/production.sqlite3"},
        {"production.sqlite3", "ROOT/production.sqlite3"},
        {"./a/../production.sqlite3", "ROOT/a/../production.sqlite3"},
        {"/nonexistent/deep/p.sqlite3", "/nonexistent/deep/p.sqlite3"},
        {"linked.sqlite3", "ROOT/volume/real.sqlite3"},
        {"volume/relative.sqlite3", "ROOT/volume/real.sqlite3"},
        {"folder/p.sqlite3", "ROOT/volume/p.sqlite3"},
        {"loop.sqlite3", "ROOT/loop.sqlite3"},
        {"file:volume/p.sqlite3?mode=rwc", "ROOT/volume/p.sqlite3"},
        {"file:///tmp/p.sqlite3", "/tmp/p.sqlite3"},
        {"file://localhost/tmp/p.sqlite3", "/tmp/p.sqlite3"},
        {":memory:", NULL},
        {"file::memory:?cache=shared", NULL},
        {"file:name?mode=memory", NULL},
        {"file:", NULL},
        {"", NULL},
        {NULL, NULL},
    };
    char target[128];
    assert_int_equal(mkdir("volume", 0700), 0);
    (void)snprintf(target, sizeof target, "%s/volume/real.sqlite3", root);
    assert_int_equal(symlink(target, "linked.sqlite3"), 0);
    assert_int_equal(symlink("real.sqlite3", "volume/relative.sqlite3"), 0);
    assert_int_equal(symlink("volume", "folder"), 0);
    assert_int_equal(symlink("loop.sqlite3", "loop.sqlite3"), 0);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct database database = {.adapter = "sqlite3", .name = (char *)rows[i].name};
        AUTO_TEXT struct text path = {.data = NULL};
        assert_int_equal(database_sqlite_path(&database, ".", &path), rows[i].path != NULL);
        if (rows[i].path != NULL) {
            assert_path(text_string(&path), rows[i].path);
        }
    }
}

static void the_lock_is_where_the_choice_and_the_adapter_say(void **state) {
    (void)state;
    static const struct {
        enum lock_kind choice;
        const char *given;
        int64_t key;
        const char *adapter;
        const char *name;
        enum lock_kind kind;
        const char *path; /* Of LOCK_FILE; otherwise what the refusal says, or NULL. */
    } rows[] = {
        {LOCK_AUTO, NULL, 0, "postgresql", "shop", LOCK_POSTGRES, NULL},
        {LOCK_AUTO, NULL, 0, "sqlite3", "s/p.sqlite3", LOCK_FILE, "ROOT/s/p.sqlite3-signalbox"},
        {LOCK_AUTO, NULL, 7, "sqlite3", "p.sqlite3", LOCK_FILE, "ROOT/p.sqlite3-signalbox.7"},
        {LOCK_FILE, NULL, -2, "sqlite3", "p.sqlite3", LOCK_FILE, "ROOT/p.sqlite3-signalbox.-2"},
        {LOCK_AUTO, NULL, 0, "sqlite3", ":memory:", LOCK_AUTO, "names no file"},
        {LOCK_AUTO, NULL, 0, "mysql2", "shop", LOCK_AUTO, "choose --lock=file:PATH"},
        {LOCK_AUTO, NULL, 0, "oracle", "shop", LOCK_AUTO, "choose --lock=file:PATH"},
        {LOCK_POSTGRES, NULL, 0, "postgresql", "shop", LOCK_POSTGRES, NULL},
        {LOCK_POSTGRES, NULL, 0, "sqlite3", "p.sqlite3", LOCK_AUTO, "remove --lock=postgres"},
        {LOCK_POSTGRES, NULL, 0, "trilogy", "shop", LOCK_AUTO, "choose --lock=file:PATH"},
        {LOCK_FILE, NULL, 0, "postgresql", "shop", LOCK_AUTO, "give a path"},
        {LOCK_FILE, "volume/lock", 0, "postgresql", "shop", LOCK_FILE, "ROOT/volume/lock"},
        {LOCK_FILE, "lock", 3, "mysql2", "shop", LOCK_FILE, "ROOT/lock.3"},
        {LOCK_FILE, "/x/lock", 0, NULL, NULL, LOCK_FILE, "/x/lock"},
        {LOCK_NONE, NULL, 0, "mysql2", "shop", LOCK_NONE, NULL},
        {LOCK_NONE, NULL, 0, NULL, NULL, LOCK_NONE, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct lock_choice choice = {.kind = rows[i].choice, .path = rows[i].given};
        struct database database = {.adapter = (char *)rows[i].adapter,
            .name = (char *)rows[i].name,
            .host = "db",
            .source = "config/database.yml:3"};
        struct databases databases = {.items = &database, .count = database.name == NULL ? 0 : 1};
        struct error error = {.text = ""};
        enum lock_kind kind = LOCK_AUTO;
        AUTO_FREE char *path = NULL;
        if (lock_choice_find(&choice, rows[i].key, &databases, ".", &kind, &path, &error) == 0) {
            assert_int_equal(kind, rows[i].kind);
            assert_int_equal(path != NULL, kind == LOCK_FILE);
            if (path != NULL) {
                assert_path(path, rows[i].path);
            }
            continue;
        }
        if (rows[i].kind != LOCK_AUTO || strstr(error.text, rows[i].path) == NULL) {
            fail_msg("row %zu: %s", i, error.text);
        }
        assert_int_equal(error.exit_status, 78);
        assert_null(path);
    }
}

static struct database shop_files[] = {
    {.role = "primary", .adapter = "sqlite3", .name = "primary.sqlite3"},
    {.role = "cache", .adapter = "sqlite3", .name = "cache.sqlite3"},
    {.role = "events", .adapter = "postgresql", .name = "events"},
};
static const struct databases shop = {.items = shop_files, .count = ARRAY_LENGTH(shop_files)};

/* A file's time of birth is of a clock that goes on a few hundred times a second. */
static void await_next_tick(void) {
    struct timespec begun;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &begun);
    do {
        (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (
        now.tv_sec < begun.tv_sec || (now.tv_sec == begun.tv_sec && now.tv_nsec <= begun.tv_nsec));
}

static const char *doubt_about(const struct text *lines, char stale_reason[static 128]) {
    stale_reason[0] = '\0';
    bool agrees = sqlite_files_agree(text_string(lines), &shop, ".", stale_reason, 128);
    assert_int_equal(agrees, stale_reason[0] == '\0');
    return stale_reason;
}

static void a_file_that_was_replaced_emptied_or_removed_is_another(void **state) {
    (void)state;
    AUTO_TEXT struct text lines = {.data = NULL};
    char stale_reason[128];
    put("primary.sqlite3", "tables");
    put("cache.sqlite3", "");
    sqlite_files_describe(&shop, ".", &lines);
    assert_string_equal(doubt_about(&lines, stale_reason), "");
    /* What it holds is the application's affair, and an empty one was never in order. */
    put("primary.sqlite3", "more tables");
    assert_int_equal(unlink("cache.sqlite3"), 0);
    assert_string_equal(doubt_about(&lines, stale_reason), "");

    put("primary.sqlite3", "");
    assert_non_null(strstr(doubt_about(&lines, stale_reason), "/primary.sqlite3 is empty"));
    assert_int_equal(unlink("primary.sqlite3"), 0);
    assert_non_null(strstr(doubt_about(&lines, stale_reason), "/primary.sqlite3 no longer exists"));
    await_next_tick();
    put("another", "tables"); /* On ext4 it has the inode that was just freed. */
    put("primary.sqlite3", "tables");
    assert_non_null(
        strstr(doubt_about(&lines, stale_reason), "/primary.sqlite3 is not the same file"));
    assert_int_equal(rename("another", "primary.sqlite3"), 0);
    assert_non_null(
        strstr(doubt_about(&lines, stale_reason), "/primary.sqlite3 is not the same file"));
}

static void lines_that_make_no_sense_are_no_reason_to_crash(void **state) {
    (void)state;
    static const char *const samples[] = {"", "\n", "x", "1 2", "1 2 3", "1 2 3 ",
        "\n\n1 2 3 nobody", "99999999999999999999 1 1 events\n"};
    char stale_reason[128];
    for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
        assert_true(sqlite_files_agree(samples[i], &shop, ".", stale_reason, sizeof stale_reason));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_sqlite_database_has_a_file_unless_it_is_in_memory),
        TEST(the_lock_is_where_the_choice_and_the_adapter_say),
        TEST(a_file_that_was_replaced_emptied_or_removed_is_another),
        TEST(lines_that_make_no_sense_are_no_reason_to_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
