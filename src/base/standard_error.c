/*
 * Owns how a line gets to standard error without a wait. Knows nothing of what the line says.
 * The traps: poll(2) and write(2) are two calls. The pipe, or the terminal, is the command's as
 * well, and what it writes in between takes the room that poll has promised; a write on a shared
 * description then waits for a reader, who may never come. The description is not ours to make
 * non-blocking: the command would meet EAGAIN. And a terminal that somebody else is just writing to
 * looks exactly like one that nobody reads.
 */
#include "signalbox/base/standard_error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"

/* How long one write of somebody else to a terminal may take, on a machine that is busy. */
#define TERMINAL_PATIENCE_MS 100

static bool has_room(int timeout_ms) {
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&room, 1, timeout_ms) == 1 && room.revents == POLLOUT;
}

bool standard_error_write(const struct iovec parts[], int count) {
    if (!has_room(0) && !(isatty(STDERR_FILENO) == 1 && has_room(TERMINAL_PATIENCE_MS))) {
        return false;
    }
    if (pwritev2(STDERR_FILENO, parts, count, -1, RWF_NOWAIT) >= 0) {
        return true;
    }
    bool is_full = errno == EAGAIN;
    struct stat kind;
    /* A file has no reader to wait for; that it cannot be written at once is about its disk. */
    if (fstat(STDERR_FILENO, &kind) != 0 || S_ISREG(kind.st_mode)) {
        return writev(STDERR_FILENO, parts, count) >= 0;
    }
    if (is_full || errno == EPIPE) {
        return false;
    }
    /* A terminal, or a pipe before Linux 6.4: by a description of our own. Where even that is
     * refused, what poll has said must do. */
    AUTO_FD int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int fd = own >= 0 ? own : STDERR_FILENO;
    ssize_t written = writev(fd, parts, count);
    if (written < 0 && errno == EAGAIN && has_room(TERMINAL_PATIENCE_MS)) {
        written = writev(fd, parts, count);
    }
    return written >= 0;
}
