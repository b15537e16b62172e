/*
 * A program run to its whole end, with a time limit: in a session of its own, TERM and then KILL
 * for all of it, and nothing of it is left when the call returns.
 */
#ifndef SIGNALBOX_PROCESS_SUBPROCESS_H
#define SIGNALBOX_PROCESS_SUBPROCESS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/process/signals.h"
#include "signalbox/process/stop_request.h"

/* Who takes what the program writes: what to poll for, and what to do once that is so. */
struct subprocess_output {
    int program_fd; /* The end that the program writes to; the caller's. */
    struct pollfd (*wanted)(void *argument);
    void (*move)(void *argument);
    void *argument;
};

struct subprocess_request {
    char *const *argv;
    char *const *environment;
    const struct signal_inheritance *signals;
    struct stop_request *stop_request;
    struct subprocess_output output;
    struct subprocess_output errors;
    int64_t end_at_ms;  /* When it gets TERM. */
    int64_t kill_at_ms; /* When it gets KILL at the latest. */
    int64_t grace_ms;   /* Between TERM and KILL, for what is left over or was asked to end. */
};

struct subprocess_end {
    int wait_status;
    bool was_cancelled; /* The stop request has its signal. */
    bool timed_out;
};

/* Blocks in poll(2) only. The caller is a subreaper without other children, and all signals are
 * blocked. What KILL does not end (a program of another user) is left alone after two seconds. -1
 * with the error filled where there is no process for it. */
int subprocess_run(const struct subprocess_request *request, struct subprocess_end *end,
    struct error *error) MUST_USE;

#endif
