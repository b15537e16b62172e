/*
 * Owns what comes before, between and after the phases: taking signals over, starting a phase's
 * process, becoming the command. The loop is phase.c's, the decisions are machine.c's.
 * The trap: a signal that arrives when no phase runs. All stay blocked from the first act on, so
 * that it waits in the signalfd, and a command is not started while a request to end is waiting.
 */
#include "signalbox/supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "machine.h"
#include "phase.h"
#include "signalbox/base/deadline.h"
#include "signalbox/process/ending.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/process/spawn.h"
#include "signalbox/report/report.h"

#define GRACE_DEFAULT_MS 5000

/* Whatever is opened later must not become standard input, output or error by accident. */
static void standard_descriptors_open(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            /* The lowest free number is this one. Not close-on-exec: the command needs it too. An
             * image without /dev/null gets a handle that refuses to be read and written, as a
             * closed one would. NOLINTNEXTLINE(android-cloexec-open) */
            if (open("/dev/null", O_RDWR) < 0) {
                (void)!open("/", O_PATH);
            }
        }
    }
}

int supervisor_open(struct supervisor *supervisor, struct error *error) {
    *supervisor = (struct supervisor){
        .signal_fd = -1,
        .grace_ms = GRACE_DEFAULT_MS,
        .kill_at_ms = DEADLINE_NEVER,
        .is_init = getpid() == 1,
    };
    signals_take_over(&supervisor->inheritance);
    standard_descriptors_open();
    supervisor->signal_fd = signals_open(error);
    return supervisor->signal_fd < 0 ? -1 : 0;
}

void supervisor_set_grace(struct supervisor *supervisor, int64_t grace_ms) {
    supervisor->grace_ms = grace_ms;
}

static _Noreturn void preparer_run(const struct supervisor *supervisor, pid_t parent,
    int (*function)(void *argument), void *argument) {
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* A parent that died before that call sends nothing any more. It is compared with what it was:
     * one outside of our PID namespace is 0 while it lives. */
    if (getppid() != parent) {
        _exit(EXIT_STATUS_SIGNAL_BASE + SIGTERM);
    }
    (void)close(supervisor->signal_fd);
    _exit(function(argument));
}

int supervisor_run_function(struct supervisor *supervisor, int (*function)(void *argument),
    void *argument, struct phase_end *end, struct error *error) {
    struct phase phase = phase_make(supervisor, STATE_PREPARING, "preparer");
    pid_t self = getpid();

    /* Where the kernel refuses this, orphans of a step go to the init above us, which reaps them.
     */
    bool is_subreaper = !supervisor->is_init && subreaper_set(true);
    pid_t preparer = fork();
    if (preparer == 0) {
        preparer_run(supervisor, self, function, argument);
    }
    int result = -1;
    if (preparer < 0) {
        error_set(error, EXIT_STATUS_SYSTEM, "cannot start the preparer: %s", strerror(errno));
    } else {
        result = phase_run(&phase, preparer, error);
    }
    if (is_subreaper) {
        (void)subreaper_set(false);
    }
    end->exit_status = exit_status_from_wait(phase.wait_status);
    end->cancelled_by = phase.cancelled_by;
    return result;
}

/* A request to end that arrived before the command: 128 + the signal, or 0. */
static int stop_before_start(const struct supervisor *supervisor, const char *name) {
    int number = supervisor_stop_pending(signals_pending(), supervisor->inheritance.ignored);
    if (number == 0) {
        return 0;
    }
    struct event_fields fields = {
        .has_exit_status = true, .exit_status = EXIT_STATUS_SIGNAL_BASE + number};
    report(EVENT_COMMAND_NOT_STARTED, &fields,
        "%s is not started: SIG%s arrived before it could be", name, signal_name(number));
    return fields.exit_status;
}

int supervisor_run_program(
    struct supervisor *supervisor, char *const argv[], int *exit_status, struct error *error) {
    *exit_status = stop_before_start(supervisor, argv[0]);
    if (*exit_status != 0) {
        return 0;
    }
    const struct spawn_request request = {
        .argv = argv,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
        .group = SPAWN_OWN_GROUP,
        .signals = &supervisor->inheritance,
    };
    struct phase phase = phase_make(supervisor, STATE_RUNNING, "command");
    pid_t command = 0;

    /* Said before it is so, since a command that cannot be executed says that itself. */
    report(EVENT_COMMAND_STARTED, NULL, "starting the command: %s", argv[0]);
    if (process_spawn(&request, &command, error) != 0) {
        return -1;
    }
    int result = phase_run(&phase, command, error);
    *exit_status = exit_status_from_wait(phase.wait_status);
    return result;
}

int supervisor_become(struct supervisor *supervisor, char *const argv[]) {
    int stopped = stop_before_start(supervisor, argv[0]);
    if (stopped != 0) {
        return stopped;
    }
    (void)close(take_fd(&supervisor->signal_fd));
    report(EVENT_COMMAND_STARTED, NULL, "becoming the command: %s", argv[0]);
    return process_replace(argv, &supervisor->inheritance);
}
