/*
 * Handing on: at most PIPE_BUF bytes at a time, which go into a pipe as one. A line that is longer
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

int step_output_open(
    struct step_output *step_output, int to_fd, struct output_tail *last, int *step_end) {
    int ends[2];
    *step_output = (struct step_output){.from_fd = -1, .to_fd = to_fd, .last = last};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    step_output->from_fd = ends[0];
    *step_end = ends[1];
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

struct pollfd step_output_pollfd(const struct step_output *step_output) {
    if (step_output->ready > 0) {
        return (struct pollfd){.fd = step_output->to_fd, .events = POLLOUT};
    }
    return (struct pollfd){.fd = step_output->from_fd, .events = POLLIN};
}

void step_output_close(struct step_output *step_output) {
    if (step_output->from_fd >= 0) {
        (void)close(step_output->from_fd);
        step_output->from_fd = -1;
    }
}

/* Of a line that goes in pieces only the first is heard: the others' beginning may be the end of a
 * secret, which alone nobody would know again. */
static void let_hear(struct step_output *step_output, size_t ready) {
    const char *bytes = step_output->buffer;
    if (step_output->is_within_line) {
        const char *end = memchr(bytes, '\n', ready);
        size_t rest = end == NULL ? ready : (size_t)(end - bytes) + 1;
        bytes += rest;
        ready -= rest;
        step_output->is_within_line = end == NULL;
    }
    if (ready > 0) {
        step_output->is_within_line = bytes[ready - 1] != '\n';
        output_tail_add(step_output->last, bytes, ready);
        if (step_output->own != NULL) {
            output_tail_add(step_output->own, bytes, ready);
        }
    }
}

static void let_pass(struct step_output *step_output, size_t ready) {
    step_output->ready = ready;
    if (step_output->last != NULL) {
        let_hear(step_output, ready);
    }
}

static void write_ready(struct step_output *step_output) {
    report_clear_line();
    const struct iovec ready = {.iov_base = step_output->buffer, .iov_len = step_output->ready};
    ssize_t written = output_write(step_output->to_fd, &ready, 1);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    /* An output that is gone must not end the prepare. */
    size_t moved = written < 0 ? step_output->ready : (size_t)written;
    step_output->ready -= moved;
    step_output->held -= moved;
    memmove(step_output->buffer, step_output->buffer + moved, step_output->held);
}

void step_output_move(struct step_output *step_output) {
    if (step_output->ready > 0) {
        write_ready(step_output);
        return;
    }
    if (step_output->from_fd < 0) {
        return;
    }
    ssize_t length = read(step_output->from_fd, step_output->buffer + step_output->held,
        sizeof step_output->buffer - step_output->held);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        step_output_close(step_output);
        let_pass(step_output, step_output->held);
        return;
    }
    step_output->held += (size_t)length;
    const char *last_end = memrchr(step_output->buffer, '\n', step_output->held);
    if (last_end != NULL) {
        let_pass(step_output, (size_t)(last_end - step_output->buffer) + 1);
    } else if (step_output->held == sizeof step_output->buffer) {
        let_pass(step_output, step_output->held);
    }
}

/* Whether anything can still be moved within the time that a farewell may take. */
static bool can_move(const struct step_output *step_output) {
    struct pollfd descriptor = step_output_pollfd(step_output);
    return descriptor.fd >= 0 &&
        poll(&descriptor, 1, step_output->ready > 0 ? FAREWELL_MS : 0) == 1;
}

void step_output_drain(struct step_output *step_output) {
    while (can_move(step_output)) {
        step_output_move(step_output);
    }
    /* A last line without its end, from a pipe that somebody keeps open. */
    if (step_output->ready == 0 && step_output->held > 0) {
        let_pass(step_output, step_output->held);
        while (step_output->ready > 0 && can_move(step_output)) {
            step_output_move(step_output);
        }
    }
}
