/*
 * Owns the resident loop: waits for signals, asks the table, acts. Decides nothing that the table
 * could decide, starts nothing, and knows nothing of what a phase does. The loop must not wake for
 * nothing: it waits in one poll, without a timeout unless a clock runs, and a broken descriptor
 * ends it.
 */
#include "supervise/phase.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/out_of_memory.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/terminal.h"
#include "signalbox/process/termination.h"
#include "signalbox/report/report.h"
#include "supervise/leftovers.h"

/* What a cancelled preparer has for itself after its step's grace: to fence, record and let go. */
#define PREPARER_EXTRA_MS 2000

#define PROC "/proc"
#define CGROUPS "/sys/fs/cgroup"

static void clock_start(struct supervisor *supervisor) {
    if (supervisor->kill_at_ms == DEADLINE_NEVER) {
        supervisor->kill_at_ms = deadline_after_ms(supervisor->grace_ms);
    }
}

/* The number is ours to signal: only the reaping in this loop frees it. A command that has left its
 * group, or that the kernel gave none, is still there itself. */
static int signal_send(const struct phase *phase, int number) {
    bool is_for_group = phase->supervisor->signal_group && phase->state == STATE_RUNNING;
    if (is_for_group && kill(-phase->watched, number) == 0) {
        return 0;
    }
    return kill(phase->watched, number);
}

static void signal_pass(struct phase *phase, int number, const char *sender) {
    if (number == 0) {
        return; /* No signal: what --rewrite drops has a row of its own. */
    }
    if (signal_send(phase, number) != 0) {
        report(EVENT_SIGNAL_REFUSED, NULL, "SIG%s could not be sent to the %s (process %d): %s",
            signals_name(number), phase->name, (int)phase->watched, strerror(errno));
        return;
    }
    phase->passed |= SIGNAL_BIT(number);
    /* A window that is dragged sends dozens of these, and what we say about them would stand in
     * what the command shows in it. */
    if (number == SIGWINCH) {
        return;
    }
    report(EVENT_SIGNAL_FORWARDED, NULL, "SIG%s from %s forwarded to the %s (process %d)",
        signals_name(number), sender, phase->name, (int)phase->watched);
}

static void received_pass(struct phase *phase, const struct received_signal *received) {
    char sender[32] = "outside the container";
    if (received->from_kernel) {
        (void)snprintf(sender, sizeof sender, "the terminal");
    } else if (received->sender != 0) {
        (void)snprintf(sender, sizeof sender, "process %d", (int)received->sender);
    }
    signal_pass(phase, received->number, sender);
}

static void preparer_kill(struct phase *phase, const struct received_signal *received) {
    (void)received;
    report(EVENT_LEFTOVERS, NULL, "the %s (process %d) did not end in time after SIG%s: killed",
        phase->name, (int)phase->watched, signals_name(phase->cancelled_by));
    (void)kill(phase->watched, SIGKILL);
    phase->is_preparer_killed = true;
}

/* The command goes on, with the terminal if that is ours to give: as PID 1 it is always, under a
 * shell only after `fg`. */
static void command_resume(const struct phase *phase, bool was_continued) {
    pid_t foreground = terminal_foreground();
    bool is_ours_to_give =
        phase->supervisor->is_init || foreground == getpgrp() || foreground == phase->process;
    bool is_given = is_ours_to_give && terminal_give_foreground(phase->process);
    if (!is_given && !was_continued && phase->stopped_by != SIGTSTP) {
        /* It would read or write at once, be stopped again, and so on without end. */
        const struct event_fields fields = {.is_imposed = true};
        report(EVENT_COMMAND_STOPPED, &fields,
            "the command was stopped by SIG%s, and cannot get the terminal: it stays stopped until "
            "it gets a CONT",
            signals_name(phase->stopped_by));
        return;
    }
    (void)kill(-phase->process, SIGCONT);
    report(EVENT_COMMAND_STOPPED, NULL, "the command was stopped by SIG%s%s, and goes on",
        signals_name(phase->stopped_by),
        phase->supervisor->is_init ? ", which nothing else here could undo" : "");
}

static void command_stop_too(struct phase *phase, const struct received_signal *received) {
    (void)received;
    if (terminal_foreground() == phase->process) {
        (void)terminal_give_foreground(getpgrp());
    }
    command_resume(phase, terminal_stop_ourselves());
}

/* What comes after us in a script must find the terminal as it was before us. */
static void terminal_take_back(const struct phase *phase) {
    if (phase->supervisor->is_init) {
        return;
    }
    pid_t foreground = terminal_foreground();
    bool is_nobodys = foreground > 0 && kill(-foreground, 0) != 0 && errno == ESRCH;
    if (foreground == phase->process || is_nobodys) {
        (void)terminal_give_foreground(getpgrp());
    }
}

/* What an event that is not a signal carries. */
static const struct received_signal no_signal;

/* The actions, one function each. */
static void do_nothing(struct phase *phase, const struct received_signal *received) {
    (void)phase;
    (void)received;
}

static void hasten(struct phase *phase, const struct received_signal *received) {
    (void)received;
    clock_start(phase->supervisor);
    leftovers_end(phase, phase->supervisor->kill_at_ms);
}

static void remember(struct phase *phase, const struct received_signal *received) {
    if (phase->cancelled_by == 0) {
        phase->cancelled_by = received->number;
    }
    hasten(phase, received);
}

static void forward_and_time(struct phase *phase, const struct received_signal *received) {
    clock_start(phase->supervisor);
    received_pass(phase, received);
}

static void cancel(struct phase *phase, const struct received_signal *received) {
    if (phase->cancelled_by == 0) {
        phase->cancelled_by = received->number;
    }
    forward_and_time(phase, received);
}

static void forward_and_resume(struct phase *phase, const struct received_signal *received) {
    received_pass(phase, received);
    signal_pass(phase, SIGCONT, "us");
}

static void resume(struct phase *phase, const struct received_signal *received) {
    (void)received;
    command_resume(phase, false);
}

/* A quarter of the grace stays for its end and for what else is left. */
static void let_finish(struct phase *phase, const struct received_signal *received) {
    (void)received;
    int64_t most_ms = phase->supervisor->grace_ms / 4 * 3;
    clock_start(phase->supervisor);
    phase->beside_until_ms = deadline_after_ms(most_ms);
    report(EVENT_HOOK_AWAITED, NULL,
        "--on-finish still runs, and is waited for: %" PRId64 " ms at most", most_ms);
}

static void end_leftovers(struct phase *phase, const struct received_signal *received) {
    (void)received;
    leftovers_end(phase,
        deadline_earlier(
            phase->supervisor->kill_at_ms, deadline_after_ms(phase->supervisor->grace_ms)));
}

static void kill_leftovers(struct phase *phase, const struct received_signal *received) {
    (void)received;
    leftovers_end(phase, clock_now_ms());
}

static void give_up(struct phase *phase, const struct received_signal *received) {
    (void)received;
    leftovers_give_up(phase);
}

static void (*const actions[ACTION_COUNT])(
    struct phase *phase, const struct received_signal *received) = {
    [ACTION_NONE] = do_nothing,
    [ACTION_CANCEL] = cancel,
    [ACTION_REMEMBER] = remember,
    [ACTION_FORWARD] = received_pass,
    [ACTION_FORWARD_AND_TIME] = forward_and_time,
    [ACTION_FORWARD_AND_RESUME] = forward_and_resume,
    [ACTION_RESUME] = resume,
    [ACTION_STOP_TOO] = command_stop_too,
    [ACTION_HASTEN] = hasten,
    [ACTION_LET_FINISH] = let_finish,
    [ACTION_KILL_PREPARER] = preparer_kill,
    [ACTION_END_LEFTOVERS] = end_leftovers,
    [ACTION_KILL_LEFTOVERS] = kill_leftovers,
    [ACTION_GIVE_UP] = give_up,
};

static void step(
    struct phase *phase, enum supervisor_event event, const struct received_signal *received) {
    const struct supervisor_row *row = state_table_next(phase->state, event);
    if (row == NULL) {
        return; /* It cannot happen, and PID 1 must go on if it does. */
    }
    phase->state = row->next;
    actions[row->action](phase, received);
}

static int64_t phase_deadline_ms(const struct phase *phase) {
    switch (phase->state) {
    case STATE_CANCELLING:
        return phase->is_preparer_killed
            ? DEADLINE_NEVER
            : deadline_later_ms(phase->supervisor->kill_at_ms, PREPARER_EXTRA_MS);
    case STATE_FINISHING:
        return phase->beside_until_ms;
    case STATE_PREPARED:
    case STATE_LEAVING:
        return termination_deadline_ms(&phase->leftovers);
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

/* Only where it may have been: a shell or a wrapper passes it on as 137. */
static int64_t out_of_memory_kills_meanwhile(const struct phase *phase) {
    if (phase->kills_before < 0 ||
        exit_status_from_wait(phase->wait_status) != EXIT_STATUS_SIGNAL_BASE + SIGKILL) {
        return 0;
    }
    return out_of_memory_kills(PROC, CGROUPS) - phase->kills_before;
}

/* Whether it did not end of its own accord. As in a shell, ^C in the terminal and a reader that has
 * gone are what the user at the terminal wanted. */
static bool is_end_imposed(const struct phase *phase) {
    if (!WIFSIGNALED(phase->wait_status)) {
        return false;
    }
    int number = WTERMSIG(phase->wait_status);
    bool is_wanted = number == SIGINT || number == SIGPIPE;
    return !is_wanted || (phase->passed & SIGNAL_BIT(number)) != 0;
}

static void command_ended_report(const struct phase *phase) {
    struct event_fields fields = {
        .has_exit_status = true,
        .exit_status = exit_status_from_wait(phase->wait_status),
        .is_imposed = is_end_imposed(phase),
    };
    int64_t kills = out_of_memory_kills_meanwhile(phase);
    if (kills > 0) {
        report(EVENT_OUT_OF_MEMORY, &fields,
            "the kernel's OOM killer has ended the command (%" PRId64
            " process%s of this container killed since it started): exit status %d; raise the "
            "memory limit, or find out what uses the memory",
            kills, kills == 1 ? "" : "es", fields.exit_status);
    } else if (WIFSIGNALED(phase->wait_status)) {
        report(EVENT_COMMAND_ENDED, &fields, "the command was ended by SIG%s: exit status %d",
            signals_name(WTERMSIG(phase->wait_status)), fields.exit_status);
    } else {
        report(EVENT_COMMAND_ENDED, &fields, "the command exited with %d", fields.exit_status);
    }
}

/* When PID 1 leaves, everything does; before that, processes that were there before are nothing to
 * wait for. */
static bool is_anything_left(const struct phase *phase, bool has_children) {
    const struct supervisor *supervisor = phase->supervisor;
    bool everything_goes = supervisor->is_init && phase->state == STATE_LEAVING;
    if (!has_children || supervisor->preexisting.count == 0 || everything_goes) {
        return has_children;
    }
    return phase->watched != 0 || descendants_remain(&supervisor->preexisting);
}

/* Asked before everything is reaped; one that ends between the two is no child of ours the next
 * time. */
static void beside_look(struct phase *phase) {
    siginfo_t found = {.si_pid = 0};
    if (phase->beside != 0 &&
        (waitid(P_PID, (id_t)phase->beside, &found, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            found.si_pid != 0)) {
        phase->beside = 0;
    }
}

static enum supervisor_event end_event(const struct phase *phase) {
    bool was_asked = phase->supervisor->kill_at_ms != DEADLINE_NEVER;
    if (phase->beside != 0 && !was_asked) {
        return ON_ENDED_FIRST;
    }
    return WIFSIGNALED(phase->wait_status) ? ON_KILLED : ON_EXITED;
}

static void phase_reap(struct phase *phase) {
    struct supervisor *supervisor = phase->supervisor;
    bool was_watched = phase->watched != 0;
    beside_look(phase);
    bool has_children = reap_children_watching(
        &phase->watched, &phase->wait_status, &phase->stopped_by, &supervisor->preexisting);
    bool has_ended = was_watched && phase->watched == 0;
    if (has_ended && phase->state == STATE_RUNNING) {
        command_ended_report(phase);
        terminal_take_back(phase);
    }
    phase->has_children = is_anything_left(phase, has_children);
    if (has_ended) {
        step(phase, end_event(phase), &no_signal);
    } else if (phase->stopped_by != 0) {
        step(phase,
            state_table_stop_event_of(
                phase->stopped_by, terminal_foreground() >= 0, supervisor->is_init),
            &no_signal);
    } else if (phase->leftovers.stage == TERMINATION_KILLED && phase->has_children) {
        /* A process ended, and another may have been born meanwhile. */
        step(phase, ON_TIME_UP, &no_signal);
    }
    if (phase->state == STATE_FINISHING && phase->beside == 0) {
        step(phase, ON_BESIDE_ENDED, &no_signal);
    }
    if (!phase->has_children) {
        step(phase, ON_NONE_LEFT, &no_signal);
    } else if (phase->is_out_of_reach) {
        step(phase, ON_OUT_OF_REACH, &no_signal);
    }
}

struct phase phase_make(
    struct supervisor *supervisor, enum supervisor_state state, const char *name) {
    struct phase phase = {
        .supervisor = supervisor,
        .state = state,
        .name = name,
        .ignored = state_table_ignored(
            supervisor->inheritance.ignored, supervisor->is_init, state == STATE_RUNNING),
        .has_children = true,
    };
    termination_initialise(&phase.leftovers);
    return phase;
}

void phase_note_memory(struct phase *phase) {
    phase->kills_before = out_of_memory_kills(PROC, CGROUPS);
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
            received.number = state_table_rewrite_of(&received, supervisor->rewrites, self);
            step(phase, state_table_event_of(&received, phase->ignored, self), &received);
        }
        if (deadline_passed(phase_deadline_ms(phase))) {
            step(phase, ON_TIME_UP, &no_signal);
        }
        phase_reap(phase);
    }
    return 0;
}
