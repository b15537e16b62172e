/*
 * Owns what comes before, between and after the phases: taking signals over, starting a phase's
 * process, becoming the command. The loop is in phase.c, the decisions are in state_table.c. A
 * signal may arrive when no phase runs. So all signals stay blocked from the beginning: the signal
 * waits in the signalfd, and a command is not started while a request to end is waiting.
 */
#include "signalbox/supervise/supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/descriptors.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/spawn.h"
#include "signalbox/report/report.h"
#include "supervise/phase.h"
#include "supervise/resident.h"
#include "supervise/state_table.h"

#define GRACE_DEFAULT_MS 5000

int supervisor_open(struct supervisor *supervisor, struct error *error) {
    *supervisor = (struct supervisor){
        .signal_fd = -1,
        .grace_ms = GRACE_DEFAULT_MS,
        .kill_at_ms = DEADLINE_NEVER,
        .is_init = getpid() == 1,
    };
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        supervisor->rewrites[number] = (uint8_t)number;
    }
    signals_take_over(&supervisor->inheritance);
    /* Whatever is opened later must not become standard input, output or error by accident. */
    descriptors_fill_standard();
    descendants_note_preexisting(&supervisor->preexisting);
    supervisor->signal_fd = signals_open(error);
    return supervisor->signal_fd < 0 ? -1 : 0;
}

void supervisor_close(struct supervisor *supervisor) {
    descendants_release_preexisting(&supervisor->preexisting);
    if (supervisor->signal_fd >= 0) {
        (void)close(take_fd(&supervisor->signal_fd));
    }
}

void supervisor_set_grace(struct supervisor *supervisor, int64_t grace_ms) {
    supervisor->grace_ms = grace_ms;
}

void supervisor_rewrite_signal(struct supervisor *supervisor, int from, int to) {
    supervisor->rewrites[from] = (uint8_t)to;
}

void supervisor_signal_group(struct supervisor *supervisor) {
    supervisor->signal_group = true;
}

void supervisor_accept_exit(struct supervisor *supervisor, int exit_status) {
    supervisor->ok_exits[exit_status / 64] |= UINT64_C(1) << (exit_status % 64);
}

int supervisor_exit_status(const struct supervisor *supervisor, int exit_status) {
    bool is_accepted = exit_status >= 0 && exit_status <= UINT8_MAX &&
        (supervisor->ok_exits[exit_status / 64] & UINT64_C(1) << (exit_status % 64)) != 0;
    return is_accepted ? EXIT_STATUS_SUCCESS : exit_status;
}

/* Orphans below us become our children. Refused, they go to the init above us, which reaps them and
 * knows nothing of the time they are given. */
static bool orphans_adopt(struct supervisor *supervisor) {
    bool is_subreaper = !supervisor->is_init && reap_set_subreaper(true);
    if (!supervisor->is_init && !is_subreaper && !supervisor->has_said_refusal) {
        supervisor->has_said_refusal = true;
        report(EVENT_KERNEL_REFUSED, NULL,
            "the kernel does not let Signalbox adopt orphans (PR_SET_CHILD_SUBREAPER: %s): "
            "processes that are left behind go to the init above",
            strerror(errno));
    }
    return is_subreaper;
}

static _Noreturn void child_run(const struct supervisor *supervisor, pid_t parent,
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

int supervisor_run_function(struct supervisor *supervisor, const char *name,
    int (*function)(void *argument), void *argument, struct phase_end *end, struct error *error) {
    struct phase phase = phase_make(supervisor, STATE_PREPARING, name);
    pid_t self = getpid();

    bool is_subreaper = orphans_adopt(supervisor);
    pid_t preparer = fork();
    if (preparer == 0) {
        child_run(supervisor, self, function, argument);
    }
    int result = -1;
    if (preparer < 0) {
        error_set(error, EXIT_STATUS_SYSTEM, "cannot start the %s: %s", name, strerror(errno));
    } else {
        result = phase_run(&phase, preparer, error);
    }
    if (is_subreaper) {
        (void)reap_set_subreaper(false);
    }
    supervisor->has_prepared = true;
    end->exit_status = exit_status_from_wait(phase.wait_status);
    end->cancelled_by = phase.cancelled_by;
    return result;
}

void supervisor_set_beside(
    struct supervisor *supervisor, int (*function)(void *argument), void *argument) {
    supervisor->beside = function;
    supervisor->beside_argument = argument;
}

bool supervisor_takes_back(struct supervisor *supervisor) {
    bool is_waiting = supervisor->beside != NULL;
    supervisor->beside = NULL;
    return is_waiting;
}

int64_t supervisor_stop_at_ms(const struct supervisor *supervisor) {
    return supervisor->kill_at_ms;
}

/* Its process, or 0 where there is none. */
static pid_t beside_start(struct supervisor *supervisor) {
    pid_t self = getpid();
    pid_t beside = supervisor->beside == NULL ? 0 : fork();
    if (supervisor->beside != NULL && beside == 0) {
        child_run(supervisor, self, supervisor->beside, supervisor->beside_argument);
    }
    supervisor->beside = NULL;
    return beside < 0 ? 0 : beside;
}

/* The same for who has no parent here for long: what we become would find a child that it has not
 * started. Where the orphan goes to is above us, since we adopt none by now. */
static void beside_detach(struct supervisor *supervisor) {
    pid_t between = supervisor->beside == NULL ? -1 : fork();
    if (between == 0) {
        if (fork() == 0) {
            (void)setpgid(0, 0);
            (void)close(supervisor->signal_fd);
            _exit(supervisor->beside(supervisor->beside_argument));
        }
        _exit(EXIT_STATUS_SUCCESS);
    }
    while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR) {
    }
    supervisor->beside = NULL;
}

/* A request to end that arrived before the command: 128 + the signal, or 0. */
static int stop_before_start(const struct supervisor *supervisor, const char *name) {
    int number = state_table_stop_pending(signals_pending(),
        state_table_ignored(supervisor->inheritance.ignored, supervisor->is_init, false),
        supervisor->rewrites);
    if (number == 0) {
        return 0;
    }
    struct event_fields fields = {
        .has_exit_status = true, .exit_status = EXIT_STATUS_SIGNAL_BASE + number};
    report(EVENT_COMMAND_NOT_STARTED, &fields, "%s is not started: SIG%s arrived before that", name,
        signals_name(number));
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

    (void)orphans_adopt(supervisor);
    phase.beside = beside_start(supervisor);
    /* Said before it is so, since a command that cannot be executed says that itself. */
    report(EVENT_COMMAND_STARTED, NULL, "starting the command: %s", argv[0]);
    if (spawn_process(&request, &command, error) != 0) {
        return -1;
    }
    if (supervisor->has_prepared || !supervisor->is_init) {
        phase_note_memory(&phase);
    }
    /* The command has what it needs of these; held here, they would only be in the way of others.
     */
    descriptors_close_others(&supervisor->signal_fd, 1);
    (void)!chdir("/");
    resident_settle();
    int result = phase_run(&phase, command, error);
    *exit_status = exit_status_from_wait(phase.wait_status);
    return result;
}

int supervisor_become(struct supervisor *supervisor, char *const argv[]) {
    int stopped = stop_before_start(supervisor, argv[0]);
    if (stopped != 0) {
        return stopped;
    }
    beside_detach(supervisor);
    (void)close(take_fd(&supervisor->signal_fd));
    report(EVENT_COMMAND_STARTED, NULL, "becoming the command: %s", argv[0]);
    return spawn_replace(argv, &supervisor->inheritance);
}
