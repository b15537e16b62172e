/*
 * The files' identities. A new file may get the inode number of a removed one at once, as on ext4,
 * so the time of birth is compared too where the file system keeps it.
 */
#include "prepare/file/sqlite_files.h"
#include "signalbox/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* musl has statx(2) without this one of the kernel's names (linux/stat.h, since Linux 5.8). */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

struct identity {
    long long device; /* Major and minor in one. */
    long long inode;
    long long birth; /* In nanoseconds since 1970; 0 where it is not known. */
    bool is_empty;
    bool is_mount;
};

/* 0, or the errno. */
static int identify(const char *path, struct identity *identity) {
    struct statx status;
    *identity = (struct identity){.device = 0};
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_SIZE | STATX_BTIME, &status) != 0) {
        return errno;
    }
    identity->device = ((long long)status.stx_dev_major << 32) | status.stx_dev_minor;
    identity->inode = (long long)status.stx_ino;
    if ((status.stx_mask & STATX_BTIME) != 0) {
        identity->birth = status.stx_btime.tv_sec * 1000000000LL + status.stx_btime.tv_nsec;
    }
    identity->is_empty = status.stx_size == 0;
    identity->is_mount = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return 0;
}

void sqlite_files_describe(
    const struct databases *databases, const char *directory, struct text *lines) {
    for (size_t i = 0; i < databases->count; i++) {
        AUTO_TEXT struct text path = {.data = NULL};
        struct identity identity;
        if (database_sqlite_path(&databases->items[i], directory, &path) &&
            identify(text_string(&path), &identity) == 0 && !identity.is_empty) {
            text_append_format(lines, "%lld %lld %lld %s\n", identity.device, identity.inode,
                identity.birth, databases->items[i].role);
        }
    }
}

static const struct database *find_role(
    const struct databases *databases, const char *role, size_t length) {
    for (size_t i = 0; i < databases->count; i++) {
        const char *own = databases->items[i].role;
        if (strlen(own) == length && memcmp(own, role, length) == 0) {
            return &databases->items[i];
        }
    }
    return NULL;
}

/* What is wrong with a file that was `then`, or NULL. */
static const char *compare(const char *path, const struct identity *then) {
    struct identity now;
    int error_number = identify(path, &now);
    if (error_number != 0) {
        return error_number == ENOENT ? "no longer exists" : strerror(error_number);
    }
    if (now.is_empty) {
        return "is empty";
    }
    if (now.device != then->device || now.inode != then->inode ||
        (now.birth != then->birth && now.birth != 0 && then->birth != 0)) {
        return "is not the same file as before";
    }
    return NULL;
}

bool sqlite_files_agree(const char *lines, const struct databases *databases, const char *directory,
    char *stale_reason, size_t size) {
    while (*lines != '\0') {
        struct identity then = {.device = 0};
        int role_at = 0;
        size_t length = strcspn(lines, "\n");
        /* Only numbers that we wrote under a checksum. NOLINTNEXTLINE(cert-err34-c) */
        (void)sscanf(lines, "%lld %lld %lld %n", &then.device, &then.inode, &then.birth, &role_at);
        const struct database *database = role_at == 0 || (size_t)role_at > length
            ? NULL
            : find_role(databases, lines + role_at, length - (size_t)role_at);
        AUTO_TEXT struct text path = {.data = NULL};
        /* A database that is configured no longer, or elsewhere, is another content. */
        if (database != NULL && database_sqlite_path(database, directory, &path)) {
            const char *wrong = compare(text_string(&path), &then);
            if (wrong != NULL) {
                (void)snprintf(stale_reason, size, "%s %s", text_string(&path), wrong);
                return false;
            }
        }
        lines += length + (lines[length] == '\n' ? 1 : 0);
    }
    return true;
}

enum sqlite_file sqlite_files_first(const struct databases *databases, const char *directory) {
    AUTO_TEXT struct text path = {.data = NULL};
    struct identity identity;
    if (databases->count == 0 || !database_sqlite_path(&databases->items[0], directory, &path)) {
        return SQLITE_FILE_NONE;
    }
    if (identify(text_string(&path), &identity) != 0) {
        return SQLITE_FILE_MISSING;
    }
    return identity.is_empty ? SQLITE_FILE_EMPTY : SQLITE_FILE_FILLED;
}

bool sqlite_files_first_is_mount(const struct databases *databases, const char *directory) {
    AUTO_TEXT struct text path = {.data = NULL};
    struct identity identity;
    return databases->count > 0 && database_sqlite_path(&databases->items[0], directory, &path) &&
        identify(text_string(&path), &identity) == 0 && identity.is_mount;
}
