/*
 * Reading and replacing whole files. The order of the writes survives a crash: the new bytes are on
 * the disk before they get the name, and the name is on the disk before the caller relies on it.
 * The trap: a rename without the two syncs. After a power failure the name then leads to a file of
 * the right length full of zeros, or to the old file.
 */
#include "signalbox/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static int fail(struct error *error, const char *verb, const char *path) {
    error_set(
        error, EXIT_STATUS_CONFIGURATION, "%.300s cannot be %s (%s)", path, verb, strerror(errno));
    return -1;
}

static int open_for_reading(const char *directory, const char *path) {
    /* A FIFO of this name would be waited for without O_NONBLOCK. */
    static const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (directory == NULL || path[0] == '/') {
        return open(path, flags);
    }
    AUTO_FD int directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return directory_fd < 0 ? -1 : openat(directory_fd, path, flags);
}

enum file_reading file_read(const char *directory, const char *path, size_t most,
    struct text *content, struct error *error) {
    char buffer[65536];
    struct stat status;
    AUTO_FD int fd = open_for_reading(directory, path);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return FILE_MISSING;
    }
    if (fd < 0 || fstat(fd, &status) != 0) {
        (void)fail(error, "read", path);
        return FILE_UNREADABLE;
    }
    if (!S_ISREG(status.st_mode)) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%.300s is not a file", path);
        return FILE_UNREADABLE;
    }
    if ((size_t)status.st_size > most) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%.300s has more than %zu bytes", path, most);
        return FILE_UNREADABLE;
    }
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof buffer);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            (void)fail(error, "read", path);
            return FILE_UNREADABLE;
        }
        if (length == 0) {
            return FILE_READ;
        }
        text_append(content, buffer, (size_t)length);
    }
}

static int write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return fsync(fd);
}

static int sync_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *directory =
        slash == NULL ? string_copy(".") : string_copy_part(path, (size_t)(slash - path) + 1);
    AUTO_FD int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    /* Some file systems have no such thing for directories, and need none. */
    return fsync(fd) == 0 || errno == EINVAL ? 0 : -1;
}

int file_replace(const char *path, const char *bytes, size_t length, struct error *error) {
    AUTO_TEXT struct text beside = {.data = NULL};
    text_append_format(&beside, "%s.new", path);
    const char *new_path = text_string(&beside);
    (void)unlink(new_path);
    AUTO_FD int fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        return fail(error, "written", new_path);
    }
    if (write_all(fd, bytes, length) != 0) {
        (void)fail(error, "written", new_path);
        (void)unlink(new_path);
        return -1;
    }
    if (rename(new_path, path) != 0) {
        (void)fail(error, "written", path);
        (void)unlink(new_path);
        return -1;
    }
    return sync_directory(path) == 0 ? 0 : fail(error, "brought to the disk", path);
}
