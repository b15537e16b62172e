/*
 * The relay: at most PIPE_BUF bytes at a time, which poll(2) promises to fit into a pipe that is
 * ready for writing.
 */
#include "prepare/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FAREWELL_MS = 1000 };

int relay_open(struct relay *relay, int to_fd, int *step_end) {
    int ends[2];
    *relay = (struct relay){.from_fd = -1, .to_fd = to_fd};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    relay->from_fd = ends[0];
    *step_end = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

struct pollfd relay_pollfd(const struct relay *relay) {
    if (relay->held > 0) {
        return (struct pollfd){.fd = relay->to_fd, .events = POLLOUT};
    }
    return (struct pollfd){.fd = relay->from_fd, .events = POLLIN};
}

void relay_close(struct relay *relay) {
    if (relay->from_fd >= 0) {
        (void)close(relay->from_fd);
        relay->from_fd = -1;
    }
}

void relay_move(struct relay *relay) {
    if (relay->held > 0) {
        ssize_t written = write(relay->to_fd, relay->buffer, relay->held);
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        /* An output that is gone must not end the prepare. */
        size_t moved = written < 0 ? relay->held : (size_t)written;
        relay->held -= moved;
        memmove(relay->buffer, relay->buffer + moved, relay->held);
        return;
    }
    if (relay->from_fd < 0) {
        return;
    }
    ssize_t length = read(relay->from_fd, relay->buffer, sizeof relay->buffer);
    if (length > 0) {
        relay->held = (size_t)length;
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        relay_close(relay);
    }
}

void relay_drain(struct relay *relay) {
    for (;;) {
        struct pollfd descriptor = relay_pollfd(relay);
        int timeout_ms = relay->held > 0 ? FAREWELL_MS : 0;
        if (descriptor.fd < 0 || poll(&descriptor, 1, timeout_ms) != 1) {
            return;
        }
        relay_move(relay);
    }
}
