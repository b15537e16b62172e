/*
 * Owns which descriptors are open that nothing here opened. Knows nothing of what they are.
 * The trap: older kernels (ENOSYS) and older seccomp filters (EPERM) refuse close_range(2). Without
 * it and without /proc the open numbers are not known, and the limit of open files can be a
 * thousand million, so trying all of them would take minutes.
 */
#include "signalbox/process/descriptors.h"
#include "signalbox/base/number.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where no one says which are open: more than any program that starts us leaves open. */
#define TRIED_MAX 4096

static bool is_kept(int fd, const int kept[], size_t kept_count) {
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i] == fd) {
            return true;
        }
    }
    return false;
}

/* The lowest kept descriptor from `first` on; INT_MAX when there is none. */
static int next_kept(int first, const int kept[], size_t kept_count) {
    int lowest = INT_MAX;
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i] >= first && kept[i] < lowest) {
            lowest = kept[i];
        }
    }
    return lowest;
}

static bool close_by_range(const int kept[], size_t kept_count) {
    int first = STDERR_FILENO + 1;
    while (true) {
        int stop = next_kept(first, kept, kept_count);
        if (stop > first &&
            syscall(SYS_close_range, (unsigned)first, (unsigned)(stop - 1), 0U) != 0) {
            return false;
        }
        if (stop == INT_MAX) {
            return true;
        }
        first = stop + 1;
    }
}

static bool close_by_list(const int kept[], size_t kept_count) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return false;
    }
    const struct dirent *entry;
    /* One thread per process here. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while ((entry = readdir(directory)) != NULL) {
        int64_t fd = 0;
        if (number_parse(entry->d_name, STDERR_FILENO + 1, INT_MAX, &fd) &&
            fd != dirfd(directory) && !is_kept((int)fd, kept, kept_count)) {
            (void)close((int)fd);
        }
    }
    (void)closedir(directory);
    return true;
}

void descriptors_fill_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            /* The lowest free number is this one. Not close-on-exec: the command needs it too. An
             * image without /dev/null gets a handle that refuses to be read and written, as a
             * closed one would. NOLINTNEXTLINE(android-cloexec-open) */
            if (open("/dev/null", O_RDWR) < 0) {
                (void)!open("/", O_PATH);
            }
        }
    }
}

void descriptors_close_others(const int kept[], size_t kept_count) {
    if (close_by_range(kept, kept_count) || close_by_list(kept, kept_count)) {
        return;
    }
    for (int fd = STDERR_FILENO + 1; fd < TRIED_MAX; fd++) {
        if (!is_kept(fd, kept, kept_count)) {
            (void)close(fd);
        }
    }
}
