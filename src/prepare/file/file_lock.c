/*
 * The flock.
 * The trap: when the file is removed and made again, two processes can each hold a lock on "the"
 * file. So after locking, the name must still lead to the locked file, and it is checked again
 * every second while the lock is held. Nothing is ever written to the file.
 */
#include "prepare/file/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"

enum { LOOK_EVERY_MS = 1000, ATTEMPTS_MOST = 100 };

/* Not in every kernel's linux/magic.h. */
#define SMB_MAGIC 0x517B
#define CIFS_MAGIC 0xFF534D42U
#define SMB2_MAGIC 0xFE534D42U

void file_lock_initialise(struct file_lock *lock, const char *path) {
    *lock = (struct file_lock){.path = path, .fd = -1};
}

/* Another user's file can be locked as well, as long as it can be read. */
static int lock_open(const char *path) {
    static const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, O_RDWR | O_CREAT | flags, 0666);
    int error_number = errno;
    if (fd < 0 && (error_number == EACCES || error_number == EROFS || error_number == EPERM)) {
        fd = open(path, O_RDONLY | flags);
        /* That it is not there is only half of why it cannot be made. */
        errno = errno == ENOENT ? error_number : errno;
    }
    return fd;
}

static enum file_lock_attempt refuse(
    const struct file_lock *lock, const char *reason, struct error *error) {
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "cannot use the lock file %.300s (%s): give a path that is writable and shared by all "
        "replicas (--lock=file:PATH), or use no lock (--lock=none)",
        lock->path, reason);
    return FILE_LOCK_REFUSED;
}

/* Whether the name leads to what is open under this number. */
static bool is_same_file(const char *path, int fd) {
    struct stat named;
    struct stat locked;
    return fstat(fd, &locked) == 0 && stat(path, &named) == 0 && named.st_dev == locked.st_dev &&
        named.st_ino == locked.st_ino;
}

enum file_lock_attempt file_lock_try(struct file_lock *lock, struct error *error) {
    for (int attempt = 0; attempt < ATTEMPTS_MOST; attempt++) {
        struct stat status;
        AUTO_FD int fd = lock_open(lock->path);
        if (fd < 0 || fstat(fd, &status) != 0) {
            return refuse(lock,
                errno == EISDIR ? "it is a directory: give a file in it" : strerror(errno), error);
        }
        if (!S_ISREG(status.st_mode)) {
            return refuse(lock,
                S_ISDIR(status.st_mode) ? "it is a directory: give a file in it"
                                        : "it is not an ordinary file",
                error);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK ? FILE_LOCK_HELD : refuse(lock, strerror(errno), error);
        }
        if (is_same_file(lock->path, fd)) {
            lock->fd = take_fd(&fd);
            lock->looked_ms = clock_now_ms();
            lock->was_replaced = false;
            return FILE_LOCK_TAKEN;
        }
    }
    return FILE_LOCK_HELD;
}

bool file_lock_holds(struct file_lock *lock) {
    int64_t now_ms = clock_now_ms();
    if (!lock->was_replaced && now_ms >= file_lock_deadline_ms(lock)) {
        lock->looked_ms = now_ms;
        lock->was_replaced = !is_same_file(lock->path, lock->fd);
    }
    return lock->fd >= 0 && !lock->was_replaced;
}

int64_t file_lock_deadline_ms(const struct file_lock *lock) {
    return deadline_later_ms(lock->looked_ms, LOOK_EVERY_MS);
}

bool file_lock_is_held(const char *path) {
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void file_lock_release(struct file_lock *lock) {
    if (lock->fd >= 0) {
        (void)flock(lock->fd, LOCK_UN);
        (void)close(lock->fd);
        lock->fd = -1;
    }
}

bool file_lock_is_remote(const char *path) {
    struct statfs status;
    if (statfs(path, &status) != 0) {
        return false;
    }
    /* The type's sign and width differ between machines. */
    switch ((uint32_t)status.f_type) {
    case NFS_SUPER_MAGIC:
    case SMB_MAGIC:
    case CIFS_MAGIC:
    case SMB2_MAGIC:
        return true;
    default:
        return false;
    }
}
