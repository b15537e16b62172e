/*
 * Owns what happens between the birth of a process and its exec. Waits for nothing, reaps nothing.
 * The trap: the child of a vfork borrows our memory and our stack while we are suspended. What it
 * needs is made before, it only makes system calls, and it ends in exec or _exit.
 */
#include "signalbox/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "process/execute.h"
#include "process/listening.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/process/terminal.h"

/* Everything that the child needs, made while allocating is still allowed. */
struct child_plan {
    const struct spawn_request *request;
    struct listening *listening;
    char **shell_argv;
    pid_t parent;
    bool take_foreground;
};

static bool descriptor_place(int fd, int place) {
    if (fd < 0) {
        return true;
    }
    if (fd == place) {
        /* dup2 onto itself does nothing, not even take close-on-exec away. */
        return fcntl(fd, F_SETFD, 0) == 0;
    }
    return dup2(fd, place) == place;
}

static char *const *child_environment(const struct child_plan *plan) {
    if (plan->listening->environment != NULL) {
        return plan->listening->environment;
    }
    return plan->request->environment != NULL ? plan->request->environment : environ;
}

static _Noreturn void child_run(const struct child_plan *plan) {
    const struct spawn_request *request = plan->request;

    switch (request->group) {
    case SPAWN_OWN_GROUP:
        (void)setpgid(0, 0);
        if (plan->take_foreground) {
            (void)terminal_give_foreground(getpid());
        }
        break;
    case SPAWN_OWN_SESSION:
        (void)setsid();
        break;
    }

    if (request->die_with_parent) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* A parent that died before that call sends nothing any more. */
        if (getppid() != plan->parent) {
            _exit(EXIT_STATUS_SIGNAL_BASE + SIGKILL);
        }
    }

    int error_number = 0;
    if (!descriptor_place(request->stdin_fd, STDIN_FILENO) ||
        !descriptor_place(request->stdout_fd, STDOUT_FILENO) ||
        !descriptor_place(request->stderr_fd, STDERR_FILENO) ||
        (request->kept_fd > STDERR_FILENO && fcntl(request->kept_fd, F_SETFD, 0) != 0)) {
        error_number = errno;
    } else {
        listening_hand_on(plan->listening, getpid());
        signals_give_back(request->signals);
        error_number = execute_program(request->argv, child_environment(plan), plan->shell_argv);
    }
    _exit(execute_explain_failure(request->argv[0], child_environment(plan), error_number));
}

/* On its own, so that no variable of the caller lives across the second return. */
static pid_t child_start(const struct child_plan *plan) {
    /* fork would copy page tables for a child that execs at once; posix_spawn cannot make a group
     * foreground, and reports a failed exec through memory.
     * NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
    pid_t child = vfork();
    if (child == 0) {
        /* It only makes system calls, and never returns. NOLINTNEXTLINE(*-unix.Vfork) */
        child_run(plan);
    }
    return child;
}

int spawn_process(const struct spawn_request *request, pid_t *process, struct error *error) {
    AUTO_LISTENING struct listening listening;
    bool has_memory = listening_prepare(
        &listening, request->environment != NULL ? request->environment : environ, getpid());
    AUTO_FREE char **shell_argv = execute_shell_arguments(request->argv);
    if (!has_memory || shell_argv == NULL) {
        error_set(
            error, EXIT_STATUS_SYSTEM, "cannot start %s: %s", request->argv[0], strerror(ENOMEM));
        return -1;
    }
    struct child_plan plan = {
        .request = request,
        .listening = &listening,
        .shell_argv = shell_argv,
        /* Asked for here and compared there: a child cannot know what a living parent looks like,
         * since one outside of the PID namespace is 0. */
        .parent = getpid(),
        /* Who is in the background itself has no foreground to hand on. */
        .take_foreground = request->group == SPAWN_OWN_GROUP && terminal_foreground() == getpgrp(),
    };
    pid_t child = child_start(&plan);
    if (child < 0) {
        error_set(
            error, EXIT_STATUS_SYSTEM, "cannot start %s: %s", request->argv[0], strerror(errno));
        return -1;
    }
    *process = child;
    return 0;
}

int spawn_replace(char *const argv[], const struct signal_inheritance *signals) {
    AUTO_FREE char **shell_argv = execute_shell_arguments(argv);
    signals_give_back(signals);
    return execute_explain_failure(argv[0], environ, execute_program(argv, environ, shell_argv));
}
