/*
 * Owns how a line is written without waiting. Knows nothing of what the line says.
 * The trap: poll(2) and write(2) are two calls. The command writes to the same pipe or terminal,
 * and what it writes between the two calls takes the room that poll promised. A write on a shared
 * description then waits for a reader, which may never come. We must not make the description
 * non-blocking, because the command would get EAGAIN. And a terminal to which another process is
 * just writing looks exactly like one that is never read.
 */
#include "signalbox/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"

/* How long another process's write to a terminal may take, on a busy machine. */
#define TERMINAL_PATIENCE_MS 100

static bool has_room(int fd, int timeout_ms) {
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    errno = EAGAIN;
    if (poll(&room, 1, timeout_ms) != 1) {
        return false;
    }
    if (room.revents != POLLOUT) {
        errno = EPIPE;
    }
    return room.revents == POLLOUT;
}

/* By a description of our own. Where that is refused, what poll has said must do. */
static ssize_t write_apart(int fd, const struct iovec parts[], int count, int patience_ms) {
    char path[] = "/proc/self/fd/0";
    path[sizeof path - 2] = (char)('0' + fd);
    AUTO_FD int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int64_t give_up_ms = deadline_after_ms(patience_ms);
    while (has_room(fd, deadline_poll_timeout_ms(give_up_ms))) {
        ssize_t written = writev(own >= 0 ? own : fd, parts, count);
        if (written >= 0 || errno != EAGAIN || deadline_passed(give_up_ms)) {
            return written;
        }
    }
    return -1;
}

ssize_t output_write(int fd, const struct iovec parts[], int count) {
    if (isatty(fd) == 1) {
        return write_apart(fd, parts, count, TERMINAL_PATIENCE_MS);
    }
    if (!has_room(fd, 0)) {
        return -1;
    }
    ssize_t written = pwritev2(fd, parts, count, -1, RWF_NOWAIT);
    if (written >= 0 || errno == EPIPE) {
        return written;
    }
    bool would_wait = errno == EAGAIN;
    struct stat kind;
    /* A file has no reader to wait for; that it cannot be written at once is about its disk. */
    if (fstat(fd, &kind) != 0 || S_ISREG(kind.st_mode)) {
        return writev(fd, parts, count);
    }
    if (would_wait) {
        errno = EAGAIN;
        return -1;
    }
    /* Before Linux 6.4 a pipe knows no write that does not wait. */
    return write_apart(fd, parts, count, 0);
}
