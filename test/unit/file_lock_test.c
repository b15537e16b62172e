/*
 * The file lock: who has it, until when, and what cannot be locked. Real files in a directory of
 * their own; two locks of one process exclude each other as those of two processes do.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "prepare/file/file_lock.h"
#include "signalbox/base/file.h"
#include "signalbox/base/text.h"

static char root[] = "/tmp/signalbox-file-lock-XXXXXX";
static char path[64];

static int make_root(void **state) {
    (void)state;
    (void)strcpy(root + strlen(root) - 6, "XXXXXX");
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/lock", root);
    return 0;
}

static int remove_root(void **state) {
    (void)state;
    return directory_remove(root);
}

static enum file_lock_attempt try(struct file_lock *lock) {
    struct error error;
    file_lock_initialise(lock, path);
    return file_lock_try(lock, &error);
}

static void one_has_it_until_it_lets_go(void **state) {
    (void)state;
    struct file_lock first;
    struct file_lock second;
    assert_int_equal(try(&first), FILE_LOCK_TAKEN);
    assert_int_equal(try(&second), FILE_LOCK_HELD);
    assert_int_equal(second.fd, -1);
    assert_true(file_lock_holds(&first));
    file_lock_release(&first);
    assert_false(file_lock_holds(&first));
    assert_int_equal(try(&second), FILE_LOCK_TAKEN);
    file_lock_release(&second);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
}

static void who_has_inherited_it_keeps_it(void **state) {
    (void)state;
    struct file_lock lock;
    struct file_lock other;
    int gate[2];
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(try(&lock), FILE_LOCK_TAKEN);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        (void)close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
    }
    /* As when the preparer is killed: closed, and not released. */
    assert_int_equal(close(lock.fd), 0);
    assert_int_equal(try(&other), FILE_LOCK_HELD);
    (void)close(gate[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(try(&other), FILE_LOCK_TAKEN);
    file_lock_release(&other);
    (void)close(gate[0]);
}

static void letting_go_is_for_all_who_have_inherited_it(void **state) {
    (void)state;
    struct file_lock lock;
    struct file_lock other;
    assert_int_equal(try(&lock), FILE_LOCK_TAKEN);
    int inherited = fcntl(lock.fd, F_DUPFD_CLOEXEC, 0);
    file_lock_release(&lock);
    assert_int_equal(try(&other), FILE_LOCK_TAKEN);
    file_lock_release(&other);
    (void)close(inherited);
}

static void a_file_that_was_removed_or_replaced_is_held_no_longer(void **state) {
    (void)state;
    struct file_lock lock;
    struct file_lock other;
    assert_int_equal(try(&lock), FILE_LOCK_TAKEN);
    assert_int_equal(unlink(path), 0);
    lock.looked_ms = 0; /* A second has passed. */
    assert_false(file_lock_holds(&lock));
    assert_int_equal(try(&other), FILE_LOCK_TAKEN);
    assert_false(file_lock_holds(&lock));
    file_lock_release(&lock);
    assert_true(file_lock_holds(&other));
    file_lock_release(&other);
}

static void what_cannot_be_locked_is_refused_with_its_name(void **state) {
    (void)state;
    static const struct {
        const char *path;
        const char *reason;
    } rows[] = {
        {"/tmp", "it is a directory: give a file in it"},
        {"/nonexistent/lock", "No such file or directory"},
        {"/dev/null", "it is not an ordinary file"},
        {"/dev/null/lock", "Not a directory"},
        {"/sys/kernel/lock", "Permission denied"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct file_lock lock;
        struct error error;
        char expected[64];
        file_lock_initialise(&lock, rows[i].path);
        assert_int_equal(file_lock_try(&lock, &error), FILE_LOCK_REFUSED);
        assert_int_equal(error.exit_status, 78);
        (void)snprintf(expected, sizeof expected, "cannot use the lock file %s (%.20s",
            rows[i].path, rows[i].reason);
        if (strncmp(error.text, expected, strlen(expected)) != 0) {
            fail_msg("%s", error.text);
        }
        assert_int_equal(lock.fd, -1);
    }
}

static const char *content_of(const char *file, char *buffer, size_t size) {
    AUTO_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, buffer, size - 1);
    buffer[length < 0 ? 0 : length] = '\0';
    return buffer;
}

static void a_file_is_replaced_as_a_whole_over_what_a_crash_has_left(void **state) {
    (void)state;
    struct error error;
    char beside[80];
    char buffer[32];
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(file_replace(path, "one", 3, &error), 0);
    AUTO_FD int torn = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(torn, "two-and-a-", 10), 10);
    assert_int_equal(file_replace(path, "three", 5, &error), 0);
    assert_string_equal(content_of(path, buffer, sizeof buffer), "three");
    assert_int_equal(access(beside, F_OK), -1);
}

static void what_cannot_be_written_leaves_the_old_content(void **state) {
    (void)state;
    struct error error;
    char beside[80];
    char buffer[32];
    assert_int_equal(file_replace(path, "one", 3, &error), 0);
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(mkdir(beside, 0700), 0);
    assert_int_equal(file_replace(path, "two", 3, &error), -1);
    assert_int_equal(error.exit_status, 78);
    assert_non_null(strstr(error.text, beside));
    assert_string_equal(content_of(path, buffer, sizeof buffer), "one");
}

static void only_an_ordinary_file_of_our_size_is_read(void **state) {
    (void)state;
    struct error error;
    AUTO_TEXT struct text content = {.data = NULL};
    assert_int_equal(file_read(NULL, path, 4, &content, &error), FILE_MISSING);
    assert_int_equal(file_replace(path, "four", 4, &error), 0);
    assert_int_equal(file_read(NULL, path, 4, &content, &error), FILE_READ);
    assert_string_equal(text_string(&content), "four");
    assert_int_equal(file_read(NULL, path, 3, &content, &error), FILE_UNREADABLE);
    assert_int_equal(file_read(NULL, root, 4, &content, &error), FILE_UNREADABLE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_read(NULL, path, 4, &content, &error), FILE_UNREADABLE);
    assert_string_equal(text_string(&content), "four");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_has_it_until_it_lets_go),
        TEST(who_has_inherited_it_keeps_it),
        TEST(letting_go_is_for_all_who_have_inherited_it),
        TEST(a_file_that_was_removed_or_replaced_is_held_no_longer),
        TEST(what_cannot_be_locked_is_refused_with_its_name),
        TEST(a_file_is_replaced_as_a_whole_over_what_a_crash_has_left),
        TEST(what_cannot_be_written_leaves_the_old_content),
        TEST(only_an_ordinary_file_of_our_size_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
