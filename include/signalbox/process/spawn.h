/*
 * Starting a program. The new process reports a failed exec by one line on standard error and by
 * 126 or 127, as a shell does (POSIX 2.8.2): never through memory shared with the parent.
 */
#ifndef SIGNALBOX_PROCESS_SPAWN_H
#define SIGNALBOX_PROCESS_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/process/signals.h"

enum spawn_group {
    SPAWN_OWN_GROUP,  /* setpgid(0, 0); our terminal's foreground if that is ours. */
    SPAWN_OWN_SESSION /* setsid: no controlling terminal can stop it. */
};

struct spawn_request {
    char *const *argv;        /* argv[0] is looked up in the PATH of `environment`. */
    char *const *environment; /* NULL: our own. A LISTEN_PID that names us will name the child. */
    int stdin_fd;             /* -1: ours. The same for the two below. Placed in this order. */
    int stdout_fd;
    int stderr_fd;
    int kept_fd; /* One more that stays open there, under its own number; 0 or below: none. */
    enum spawn_group group;
    bool die_with_parent; /* PR_SET_PDEATHSIG=KILL, and getppid looked at again. */
    const struct signal_inheritance *signals;
};

/* 0 and the process, which the caller reaps; or -1 when the kernel gave no process. A program that
 * cannot be executed is not an error here: its exit status says so. All signals must be blocked
 * (signals_take_over): the child runs in our memory until it execs. */
int spawn_process(
    const struct spawn_request *request, pid_t *process, struct error *error) MUST_USE;

/* Replaces this process by the program, with the signals that were inherited: one that is pending
 * and not ignored ends us here. Returns only when that failed:
 * the message has been written to standard error, the result is 126 or 127. */
int spawn_replace(char *const argv[], const struct signal_inheritance *signals);

#endif
