/*
 * Where the OOM killer's counter is found, in made-up /proc and /sys/fs/cgroup directories.
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/process/out_of_memory.h"

static char directory[] = "/tmp/signalbox-oom-XXXXXX";
static const char *const folders[] = {
    "self", "a", "a/b", "memory", "memory/docker", "memory/docker/x"};

static void path_make(char path[static 256], const char *name) {
    (void)snprintf(path, 256, "%s/%s", directory, name);
}

static void file_write(const char *name, const char *text) {
    char path[256];
    path_make(path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void file_remove(const char *name) {
    char path[256];
    path_make(path, name);
    (void)unlink(path);
}

static int begin(void **state) {
    (void)state;
    char path[256];
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        path_make(path, folders[i]);
        if (mkdir(path, 0700) != 0) {
            return -1;
        }
    }
    return 0;
}

static int end(void **state) {
    (void)state;
    char path[256];
    for (size_t i = ARRAY_LENGTH(folders); i > 0; i--) {
        path_make(path, folders[i - 1]);
        (void)rmdir(path);
    }
    return rmdir(directory);
}

static void the_second_version_s_group_comes_first_and_then_the_root(void **state) {
    (void)state;
    file_write("self/cgroup", "0::/a/b\n");
    assert_int_equal(out_of_memory_kills(directory, directory), -1);
    file_write("memory.events", "low 0\noom 9\noom_kill 2\noom_group_kill 7\n");
    assert_int_equal(out_of_memory_kills(directory, directory), 2);
    file_write("a/b/memory.events", "oom 1\noom_kill 3\n");
    assert_int_equal(out_of_memory_kills(directory, directory), 3);
    file_remove("a/b/memory.events");
    file_remove("memory.events");
    file_remove("self/cgroup");
}

static void the_first_version_s_memory_group_is_asked(void **state) {
    (void)state;
    file_write("self/cgroup", "9:cpu:/z\n4:cpuset,memory:/docker/x\n1:memoryless:/a\n");
    file_write("memory/docker/x/memory.oom_control", "under_oom 0\noom_kill 5\n");
    file_write("memory/memory.oom_control", "oom_kill 6\n");
    assert_int_equal(out_of_memory_kills(directory, directory), 5);
    file_remove("memory/docker/x/memory.oom_control");
    assert_int_equal(out_of_memory_kills(directory, directory), 6);
    /* Without /proc the root is all there is. */
    file_remove("self/cgroup");
    assert_int_equal(out_of_memory_kills(directory, directory), 6);
    file_remove("memory/memory.oom_control");
    assert_int_equal(out_of_memory_kills(directory, directory), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_version_s_group_comes_first_and_then_the_root),
        cmocka_unit_test(the_first_version_s_memory_group_is_asked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
