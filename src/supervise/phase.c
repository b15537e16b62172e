/*
 * Owns the resident loop: waits for signals, asks the table, acts. Decides nothing that the table
 * could decide, starts nothing, and knows nothing of what a phase does.
 * The trap: a loop that wakes for nothing, or spins. It stands still in one poll, without a timeout
 * unless a clock runs, and a descriptor that is broken ends it.
 */
#include "phase.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

/* What a cancelled preparer has for itself after its step's grace: to fence, record and let go. */
#define PREPARER_EXTRA_MS 2000

static int64_t later_ms(int64_t deadline_ms, int64_t by_ms) {
    return deadline_ms > DEADLINE_NEVER - by_ms ? DEADLINE_NEVER : deadline_ms + by_ms;
}

static void clock_start(struct supervisor *supervisor) {
    if (supervisor->kill_at_ms == DEADLINE_NEVER) {
        supervisor->kill_at_ms = deadline_after_ms(supervisor->grace_ms);
    }
}

static void signal_pass(const struct phase *phase, int number, const char *sender) {
    /* The process is ours to signal: only the reaping in this loop frees its number. */
    if (kill(phase->watched, number) != 0) {
        report(EVENT_SIGNAL_REFUSED, NULL, "SIG%s could not be sent to the %s (process %d): %s",
            signal_name(number), phase->name, (int)phase->watched, strerror(errno));
        return;
    }
    report(EVENT_SIGNAL_FORWARDED, NULL, "SIG%s from %s forwarded to the %s (process %d)",
        signal_name(number), sender, phase->name, (int)phase->watched);
}

static void received_pass(const struct phase *phase, const struct received_signal *received) {
    char sender[32] = "outside the container";
    if (received->from_kernel) {
        (void)snprintf(sender, sizeof sender, "the terminal");
    } else if (received->sender != 0) {
        (void)snprintf(sender, sizeof sender, "process %d", (int)received->sender);
    }
    signal_pass(phase, received->number, sender);
}

/* While the container goes on, only what is below us is ours to end; when it ends, everything is.
 */
static int leftovers_signal(const struct phase *phase, int number) {
    return phase->state == STATE_LEAVING && phase->supervisor->is_init
        ? namespace_signal(number)
        : descendants_signal(phase->process, number);
}

static void leftovers_act(struct phase *phase, enum ending_action action, bool is_first_kill) {
    int64_t left_ms = 0;
    int count = 0;
    switch (action) {
    case ENDING_WAIT:
        return;
    case ENDING_SEND_TERM:
        count = leftovers_signal(phase, SIGTERM);
        left_ms = ending_deadline_ms(&phase->leftovers) - clock_now_ms();
        if (count > 0) {
            report(EVENT_LEFTOVERS, NULL,
                "%d process%s left behind by the %s: asked to end (TERM), KILL in %" PRId64 " ms",
                count, count == 1 ? "" : "es", phase->name, left_ms);
        }
        return;
    case ENDING_SEND_KILL:
        count = leftovers_signal(phase, SIGKILL);
        if (count > 0 && is_first_kill) {
            report(EVENT_LEFTOVERS, NULL, "%d process%s left behind by the %s: killed", count,
                count == 1 ? "" : "es", phase->name);
        }
        return;
    }
}

/* Ends what is left at `kill_at_ms` at the latest. */
static void leftovers_end(struct phase *phase, int64_t kill_at_ms) {
    bool was_killed = phase->leftovers.stage == ENDING_KILLED;
    if (phase->has_children) {
        enum ending_action action = ending_begin(&phase->leftovers, clock_now_ms(), kill_at_ms);
        leftovers_act(phase, action, !was_killed);
    }
}

static void preparer_kill(struct phase *phase) {
    report(EVENT_LEFTOVERS, NULL,
        "the preparer (process %d) did not end in time after SIG%s: killed", (int)phase->watched,
        signal_name(phase->cancelled_by));
    (void)kill(phase->watched, SIGKILL);
    phase->is_preparer_killed = true;
}

/* What an event that is not a signal carries. */
static const struct received_signal no_signal;

static void act(
    struct phase *phase, enum supervisor_action action, const struct received_signal *received) {
    struct supervisor *supervisor = phase->supervisor;
    switch (action) {
    case ACTION_NONE:
    case ACTION_IMPOSSIBLE:
        break;
    case ACTION_REMEMBER:
        if (phase->cancelled_by == 0) {
            phase->cancelled_by = received->number;
        }
        clock_start(supervisor);
        leftovers_end(phase, supervisor->kill_at_ms);
        break;
    case ACTION_HASTEN:
        clock_start(supervisor);
        leftovers_end(phase, supervisor->kill_at_ms);
        break;
    case ACTION_CANCEL:
        if (phase->cancelled_by == 0) {
            phase->cancelled_by = received->number;
        }
        clock_start(supervisor);
        received_pass(phase, received);
        break;
    case ACTION_FORWARD_AND_TIME:
        clock_start(supervisor);
        received_pass(phase, received);
        break;
    case ACTION_FORWARD:
        received_pass(phase, received);
        break;
    case ACTION_FORWARD_AND_RESUME:
        received_pass(phase, received);
        signal_pass(phase, SIGCONT, "us");
        break;
    case ACTION_KILL_PREPARER:
        preparer_kill(phase);
        break;
    case ACTION_END_LEFTOVERS:
        leftovers_end(phase,
            deadline_earlier(supervisor->kill_at_ms, deadline_after_ms(supervisor->grace_ms)));
        break;
    case ACTION_KILL_LEFTOVERS:
        leftovers_end(phase, clock_now_ms());
        break;
    }
}

static void step(
    struct phase *phase, enum supervisor_event event, const struct received_signal *received) {
    const struct supervisor_row *row = supervisor_row_find(phase->state, event);
    phase->state = row->next;
    act(phase, row->action, received);
}

static int64_t phase_deadline_ms(const struct phase *phase) {
    switch (phase->state) {
    case STATE_CANCELLING:
        return phase->is_preparer_killed
            ? DEADLINE_NEVER
            : later_ms(phase->supervisor->kill_at_ms, PREPARER_EXTRA_MS);
    case STATE_PREPARED:
    case STATE_LEAVING:
        return ending_deadline_ms(&phase->leftovers);
    case STATE_PREPARING:
    case STATE_RUNNING:
    case STATE_OVER:
    case STATE_COUNT:
        break;
    }
    return DEADLINE_NEVER;
}

/* The one place where PID 1 stands still. */
static int phase_wait(const struct phase *phase, struct error *error) {
    struct pollfd wake = {.fd = phase->supervisor->signal_fd, .events = POLLIN};
    int ready = poll(&wake, 1, deadline_poll_timeout_ms(phase_deadline_ms(phase)));
    /* A descriptor that is broken would be ready for ever, and this loop would spin on it. */
    bool is_broken = ready < 0 ? errno != EINTR : (wake.revents & ~POLLIN) != 0;
    if (is_broken) {
        error_set(error, EXIT_STATUS_SYSTEM, "cannot wait for signals: %s",
            ready < 0 ? strerror(errno) : "the signalfd is broken");
        return -1;
    }
    return 0;
}

static void command_ended_report(const struct phase *phase) {
    struct event_fields fields = {
        .has_exit_status = true,
        .exit_status = exit_status_from_wait(phase->wait_status),
    };
    if (WIFSIGNALED(phase->wait_status)) {
        report(EVENT_COMMAND_ENDED, &fields, "the command was ended by SIG%s: exit status %d",
            signal_name(WTERMSIG(phase->wait_status)), fields.exit_status);
    } else {
        report(EVENT_COMMAND_ENDED, &fields, "the command exited with %d", fields.exit_status);
    }
}

static void phase_reap(struct phase *phase) {
    bool was_watched = phase->watched != 0;
    phase->has_children = children_reap(&phase->watched, &phase->wait_status);
    if (was_watched && phase->watched == 0) {
        if (phase->state == STATE_RUNNING) {
            command_ended_report(phase);
        }
        step(phase, WIFSIGNALED(phase->wait_status) ? ON_KILLED : ON_EXITED, &no_signal);
    } else if (phase->leftovers.stage == ENDING_KILLED && phase->has_children) {
        /* Somebody ended, and another may have been born while it was being killed. */
        step(phase, ON_TIME_UP, &no_signal);
    }
    if (!phase->has_children) {
        step(phase, ON_NONE_LEFT, &no_signal);
    }
}

struct phase phase_make(
    struct supervisor *supervisor, enum supervisor_state state, const char *name) {
    struct phase phase = {
        .supervisor = supervisor, .state = state, .name = name, .has_children = true};
    ending_initialise(&phase.leftovers);
    return phase;
}

int phase_run(struct phase *phase, pid_t process, struct error *error) {
    const struct supervisor *supervisor = phase->supervisor;
    pid_t self = getpid();
    phase->process = process;
    phase->watched = process;

    while (phase->state != STATE_OVER) {
        if (phase_wait(phase, error) != 0) {
            return -1;
        }
        /* Signals come before ends: of a TERM and an end in one wake-up, the TERM must count. */
        struct received_signal received;
        while (signals_read(supervisor->signal_fd, &received)) {
            step(phase, supervisor_event_of(&received, supervisor->inheritance.ignored, self),
                &received);
        }
        if (deadline_passed(phase_deadline_ms(phase))) {
            step(phase, ON_TIME_UP, &no_signal);
        }
        phase_reap(phase);
    }
    return 0;
}
