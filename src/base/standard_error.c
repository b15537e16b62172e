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
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/deadline.h"

/* How long one write of somebody else to a terminal may take, on a machine that is busy. */
#define TERMINAL_PATIENCE_MS 100

static bool has_room(int timeout_ms) {
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&room, 1, timeout_ms) == 1 && room.revents == POLLOUT;
}

/* By a description of our own. Where that is refused, what poll has said must do. */
static bool write_apart(const struct iovec parts[], int count, int patience_ms) {
    AUTO_FD int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int64_t give_up_ms = deadline_after_ms(patience_ms);
    while (has_room(deadline_poll_timeout_ms(give_up_ms))) {
        if (writev(own >= 0 ? own : STDERR_FILENO, parts, count) >= 0) {
            return true;
        }
        if (errno != EAGAIN || deadline_passed(give_up_ms)) {
            return false;
        }
    }
    return false;
}

bool standard_error_write(const struct iovec parts[], int count) {
    if (isatty(STDERR_FILENO) == 1) {
        return write_apart(parts, count, TERMINAL_PATIENCE_MS);
    }
    if (!has_room(0)) {
        return false;
    }
    if (pwritev2(STDERR_FILENO, parts, count, -1, RWF_NOWAIT) >= 0) {
        return true;
    }
    bool is_refused = errno == EAGAIN || errno == EPIPE;
    struct stat kind;
    /* A file has no reader to wait for; that it cannot be written at once is about its disk. */
    if (fstat(STDERR_FILENO, &kind) != 0 || S_ISREG(kind.st_mode)) {
        return writev(STDERR_FILENO, parts, count) >= 0;
    }
    /* Before Linux 6.4 a pipe knows no write that does not wait. */
    return !is_refused && write_apart(parts, count, 0);
}
