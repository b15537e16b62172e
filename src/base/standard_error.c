/*
 * Owns how a line gets to standard error without a wait. Knows nothing of what the line says.
 * The trap: poll(2) and write(2) are two calls. The pipe, or the terminal, is the command's as
 * well, and what it writes in between takes the room that poll has promised; a write on a shared
 * description then waits for a reader, who may never come. The description is not ours to make
 * non-blocking: the command would meet EAGAIN.
 */
#include "signalbox/base/standard_error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"

bool standard_error_write(const struct iovec parts[], int count) {
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&room, 1, 0) != 1 || room.revents != POLLOUT) {
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
    return writev(own >= 0 ? own : STDERR_FILENO, parts, count) >= 0;
}
