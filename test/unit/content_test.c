/*
 * The content of one file, also of one that somebody writes meanwhile.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fingerprint/content.h"

static void the_digest_is_sha_256(void **state) {
    (void)state;
    static const unsigned char of_abc[] = {0xba, 0x78, 0x16, 0xbf};
    char path[] = "/tmp/signalbox-content-XXXXXX";
    struct content content;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(content_read(AT_FDCWD, path, false, &content), CONTENT_READ);
    assert_int_equal(content.bytes, 3);
    assert_false(content.is_restless);
    assert_memory_equal(content.digest, of_abc, sizeof of_abc);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(content_read(AT_FDCWD, path, false, &content), CONTENT_UNREADABLE);
    assert_int_equal(content.reason, ENOENT);
}

static void a_link_is_followed_only_where_that_is_asked_for(void **state) {
    (void)state;
    char directory[] = "/tmp/signalbox-content-XXXXXX";
    struct content content;
    assert_non_null(mkdtemp(directory));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(symlinkat("/dev/null", fd, "link"), 0);
    assert_int_equal(content_read(fd, "link", false, &content), CONTENT_UNREADABLE);
    assert_int_equal(content.reason, ELOOP);
    assert_int_equal(unlinkat(fd, "link", 0), 0);
    (void)close(fd);
    assert_int_equal(rmdir(directory), 0);
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

static void a_file_that_is_always_being_written_is_read_all_the_same(void **state) {
    (void)state;
    char path[] = "/tmp/signalbox-content-XXXXXX";
    struct content content = {.bytes = 0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 2 << 20), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        keep_touching(fd);
    }
    /* However seldom the writer gets a processor, it will be while the file is read. */
    while (!content.is_restless) {
        assert_int_equal(content_read(AT_FDCWD, path, false, &content), CONTENT_READ);
        assert_int_equal(content.bytes, 2 << 20);
    }
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_int_equal(content_read(AT_FDCWD, path, false, &content), CONTENT_READ);
    assert_false(content.is_restless);
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_sha_256),
        cmocka_unit_test(a_link_is_followed_only_where_that_is_asked_for),
        cmocka_unit_test(a_file_that_is_always_being_written_is_read_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
