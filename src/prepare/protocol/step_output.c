/*
 * The relay: at most PIPE_BUF bytes at a time, which go into a pipe as one. A line that is longer
 * goes in pieces.
 */
#include "prepare/protocol/step_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/output.h"
#include "signalbox/report/report.h"

enum { FAREWELL_MS = 1000 };

int relay_open(struct relay *relay, int to_fd, struct last_lines *last, int *step_end) {
    int ends[2];
    *relay = (struct relay){.from_fd = -1, .to_fd = to_fd, .last = last};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    relay->from_fd = ends[0];
    *step_end = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

struct pollfd relay_pollfd(const struct relay *relay) {
    if (relay->ready > 0) {
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

/* Of a line that goes in pieces only the first is heard: the others' beginning may be the end of a
 * secret, which alone nobody would know again. */
static void let_hear(struct relay *relay, size_t ready) {
    const char *bytes = relay->buffer;
    if (relay->is_within_line) {
        const char *end = memchr(bytes, '\n', ready);
        size_t rest = end == NULL ? ready : (size_t)(end - bytes) + 1;
        bytes += rest;
        ready -= rest;
        relay->is_within_line = end == NULL;
    }
    if (ready > 0) {
        relay->is_within_line = bytes[ready - 1] != '\n';
        last_lines_add(relay->last, bytes, ready);
    }
}

static void let_pass(struct relay *relay, size_t ready) {
    relay->ready = ready;
    if (relay->last != NULL) {
        let_hear(relay, ready);
    }
}

static void write_ready(struct relay *relay) {
    report_clear_line();
    const struct iovec ready = {.iov_base = relay->buffer, .iov_len = relay->ready};
    ssize_t written = output_write(relay->to_fd, &ready, 1);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    /* An output that is gone must not end the prepare. */
    size_t moved = written < 0 ? relay->ready : (size_t)written;
    relay->ready -= moved;
    relay->held -= moved;
    memmove(relay->buffer, relay->buffer + moved, relay->held);
}

void relay_move(struct relay *relay) {
    if (relay->ready > 0) {
        write_ready(relay);
        return;
    }
    if (relay->from_fd < 0) {
        return;
    }
    ssize_t length =
        read(relay->from_fd, relay->buffer + relay->held, sizeof relay->buffer - relay->held);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        relay_close(relay);
        let_pass(relay, relay->held);
        return;
    }
    relay->held += (size_t)length;
    const char *last_end = memrchr(relay->buffer, '\n', relay->held);
    if (last_end != NULL) {
        let_pass(relay, (size_t)(last_end - relay->buffer) + 1);
    } else if (relay->held == sizeof relay->buffer) {
        let_pass(relay, relay->held);
    }
}

/* Whether anything can still be moved within the time that a farewell may take. */
static bool can_move(const struct relay *relay) {
    struct pollfd descriptor = relay_pollfd(relay);
    return descriptor.fd >= 0 && poll(&descriptor, 1, relay->ready > 0 ? FAREWELL_MS : 0) == 1;
}

void relay_drain(struct relay *relay) {
    while (can_move(relay)) {
        relay_move(relay);
    }
    /* A last line without its end, from a pipe that somebody keeps open. */
    if (relay->ready == 0 && relay->held > 0) {
        let_pass(relay, relay->held);
        while (relay->ready > 0 && can_move(relay)) {
            relay_move(relay);
        }
    }
}
