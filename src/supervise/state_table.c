/*
 * Owns the table of the supervisor's decisions. Does nothing by itself: supervisor.c acts.
 * A pair that is not here cannot happen. The test names each of those, with its reason, so that no
 * pair is forgotten.
 */
#include "supervise/state_table.h"

#include <stddef.h>

static const struct supervisor_row rows[] = {
    {STATE_PREPARING, ON_END_SIGNAL, STATE_CANCELLING, ACTION_CANCEL,
        "The preparer passes it to its step, ends all of that and releases the lock."},
    {STATE_PREPARING, ON_HANG_UP, STATE_CANCELLING, ACTION_CANCEL,
        "Nothing that could reload runs yet, so a hang-up means the end, as by default."},
    {STATE_PREPARING, ON_TERMINAL_HANG_UP, STATE_CANCELLING, ACTION_CANCEL,
        "The user who started this has gone, and would not see the server."},
    {STATE_PREPARING, ON_STOP_KEY, STATE_PREPARING, ACTION_NONE,
        "A stopped holder of the lock would hold every replica."},
    {STATE_PREPARING, ON_TERMINAL_STOP, STATE_PREPARING, ACTION_NONE,
        "A stopped holder of the lock would hold every replica."},
    {STATE_PREPARING, ON_OWN_PIPE, STATE_PREPARING, ACTION_NONE,
        "The reader of our log has gone, which is no reason to stop preparing."},
    {STATE_PREPARING, ON_CHILD_SIGNAL, STATE_PREPARING, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_PREPARING, ON_OTHER_SIGNAL, STATE_PREPARING, ACTION_NONE,
        "It was meant for the command, which does not run yet."},
    {STATE_PREPARING, ON_EXITED, STATE_PREPARED, ACTION_END_LEFTOVERS,
        "It released the lock in order; what a step left behind gets time to end."},
    {STATE_PREPARING, ON_KILLED, STATE_PREPARED, ACTION_KILL_LEFTOVERS,
        "The lock died with it, so a step that lives on would work unprotected."},
    {STATE_PREPARING, ON_DROPPED_SIGNAL, STATE_PREPARING, ACTION_NONE,
        "It was ignored when we were started."},
    {STATE_PREPARING, ON_HALTED, STATE_PREPARING, ACTION_NONE,
        "The one who stopped it continues it; the lock is lost by the server's clock, not by "
        "ours."},

    {STATE_CANCELLING, ON_END_SIGNAL, STATE_CANCELLING, ACTION_CANCEL,
        "A second request may be a stronger one (INT, then TERM); it does not move the clock."},
    {STATE_CANCELLING, ON_HANG_UP, STATE_CANCELLING, ACTION_CANCEL, "As for TERM."},
    {STATE_CANCELLING, ON_TERMINAL_HANG_UP, STATE_CANCELLING, ACTION_CANCEL, "As for TERM."},
    {STATE_CANCELLING, ON_STOP_KEY, STATE_CANCELLING, ACTION_NONE,
        "It still holds the lock, and is about to release it."},
    {STATE_CANCELLING, ON_TERMINAL_STOP, STATE_CANCELLING, ACTION_NONE,
        "It still holds the lock, and is about to release it."},
    {STATE_CANCELLING, ON_OWN_PIPE, STATE_CANCELLING, ACTION_NONE,
        "The reader of our log has gone; the preparer still has to end in order."},
    {STATE_CANCELLING, ON_CHILD_SIGNAL, STATE_CANCELLING, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_CANCELLING, ON_OTHER_SIGNAL, STATE_CANCELLING, ACTION_NONE,
        "It was meant for the command, which will never run."},
    {STATE_CANCELLING, ON_EXITED, STATE_PREPARED, ACTION_END_LEFTOVERS,
        "It ended in order; what is left has the rest of the time that began with the signal."},
    {STATE_CANCELLING, ON_KILLED, STATE_PREPARED, ACTION_KILL_LEFTOVERS,
        "The lock died with it, so a step that lives on would work unprotected."},
    {STATE_CANCELLING, ON_TIME_UP, STATE_CANCELLING, ACTION_KILL_PREPARER,
        "It had the whole grace for its step and two seconds for itself."},
    {STATE_CANCELLING, ON_DROPPED_SIGNAL, STATE_CANCELLING, ACTION_NONE,
        "It was ignored when we were started."},
    {STATE_CANCELLING, ON_HALTED, STATE_CANCELLING, ACTION_NONE,
        "The clock runs on, and KILL ends what is stopped as well."},

    {STATE_PREPARED, ON_END_SIGNAL, STATE_PREPARED, ACTION_REMEMBER,
        "The preparer is gone, but the command must not start after this."},
    {STATE_PREPARED, ON_HANG_UP, STATE_PREPARED, ACTION_REMEMBER, "As for TERM."},
    {STATE_PREPARED, ON_TERMINAL_HANG_UP, STATE_PREPARED, ACTION_REMEMBER, "As for TERM."},
    {STATE_PREPARED, ON_STOP_KEY, STATE_PREPARED, ACTION_NONE,
        "What is left is being ended, and we do not stop before it is gone."},
    {STATE_PREPARED, ON_TERMINAL_STOP, STATE_PREPARED, ACTION_NONE,
        "What is left is being ended, and we do not stop before it is gone."},
    {STATE_PREPARED, ON_OWN_PIPE, STATE_PREPARED, ACTION_NONE,
        "The reader of our log has gone, which is no reason to stop."},
    {STATE_PREPARED, ON_CHILD_SIGNAL, STATE_PREPARED, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_PREPARED, ON_OTHER_SIGNAL, STATE_PREPARED, ACTION_NONE,
        "It was meant for the command, which does not run yet."},
    {STATE_PREPARED, ON_NONE_LEFT, STATE_OVER, ACTION_NONE,
        "Nothing of the preparing goes on; the next phase may begin."},
    {STATE_PREPARED, ON_TIME_UP, STATE_PREPARED, ACTION_KILL_LEFTOVERS,
        "The grace is over, or one of them forked while it was being killed."},
    {STATE_PREPARED, ON_DROPPED_SIGNAL, STATE_PREPARED, ACTION_NONE,
        "It was ignored when we were started."},
    {STATE_PREPARED, ON_OUT_OF_REACH, STATE_OVER, ACTION_GIVE_UP,
        "It would hold the server up for ever, and nothing that we can do would end it."},

    {STATE_RUNNING, ON_END_SIGNAL, STATE_RUNNING, ACTION_FORWARD_AND_TIME,
        "The command decides how it ends, and what it leaves behind shares the same grace."},
    {STATE_RUNNING, ON_HANG_UP, STATE_RUNNING, ACTION_FORWARD,
        "What a process sent goes on: to many servers this means to reload."},
    {STATE_RUNNING, ON_TERMINAL_HANG_UP, STATE_RUNNING, ACTION_FORWARD_AND_RESUME,
        "POSIX: a stopped job must be continued to notice that its terminal is gone."},
    {STATE_RUNNING, ON_STOP_KEY, STATE_RUNNING, ACTION_FORWARD,
        "Where our group has the foreground, the command in its own did not get it."},
    {STATE_RUNNING, ON_TERMINAL_STOP, STATE_RUNNING, ACTION_NONE,
        "It is about a process in our group that reads or writes in the background."},
    {STATE_RUNNING, ON_OWN_PIPE, STATE_RUNNING, ACTION_NONE,
        "It is about our own log, and the command writes to its own descriptors."},
    {STATE_RUNNING, ON_CHILD_SIGNAL, STATE_RUNNING, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_RUNNING, ON_OTHER_SIGNAL, STATE_RUNNING, ACTION_FORWARD,
        "What a process sent goes on, whatever it is: TTIN and TSTP are controls of servers."},
    {STATE_RUNNING, ON_EXITED, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "The container ends with its command; what is left gets time to end."},
    {STATE_RUNNING, ON_KILLED, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "Its children did nothing wrong; they get time to end as well."},
    {STATE_RUNNING, ON_ENDED_FIRST, STATE_FINISHING, ACTION_LET_FINISH,
        "A server that fails at once is when somebody has to hear of the run."},
    {STATE_RUNNING, ON_DROPPED_SIGNAL, STATE_RUNNING, ACTION_NONE,
        "It was ignored when we were started."},
    {STATE_RUNNING, ON_STOPPED_AS_INIT, STATE_RUNNING, ACTION_RESUME,
        "There is no shell to type fg in: without this, ^Z freezes the container for good."},
    {STATE_RUNNING, ON_STOPPED_AS_JOB, STATE_RUNNING, ACTION_STOP_TOO,
        "The shell above us waits for us, not for the command, to get its terminal back."},
    {STATE_RUNNING, ON_HALTED, STATE_RUNNING, ACTION_NONE,
        "Another process decided on SIGSTOP, and also decides on the CONT that ends it."},

    {STATE_FINISHING, ON_END_SIGNAL, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "Who asks for an end does not want to wait for it."},
    {STATE_FINISHING, ON_HANG_UP, STATE_FINISHING, ACTION_NONE,
        "There is no command that could reload."},
    {STATE_FINISHING, ON_TERMINAL_HANG_UP, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "The user who could read what it says has gone."},
    {STATE_FINISHING, ON_STOP_KEY, STATE_FINISHING, ACTION_NONE,
        "We are about to leave, and a clock runs."},
    {STATE_FINISHING, ON_TERMINAL_STOP, STATE_FINISHING, ACTION_NONE,
        "We are about to leave, and a clock runs."},
    {STATE_FINISHING, ON_OWN_PIPE, STATE_FINISHING, ACTION_NONE,
        "The reader of our log has gone, which is no reason to stop."},
    {STATE_FINISHING, ON_CHILD_SIGNAL, STATE_FINISHING, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_FINISHING, ON_OTHER_SIGNAL, STATE_FINISHING, ACTION_NONE,
        "It was meant for the command, which has ended."},
    {STATE_FINISHING, ON_BESIDE_ENDED, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "What the command left behind has the rest of the time that began with its end."},
    {STATE_FINISHING, ON_TIME_UP, STATE_LEAVING, ACTION_END_LEFTOVERS,
        "It is a leftover like the others now."},
    {STATE_FINISHING, ON_DROPPED_SIGNAL, STATE_FINISHING, ACTION_NONE,
        "It was ignored when we were started."},

    {STATE_LEAVING, ON_END_SIGNAL, STATE_LEAVING, ACTION_HASTEN,
        "What is left has been asked already; only the clock can begin earlier."},
    {STATE_LEAVING, ON_HANG_UP, STATE_LEAVING, ACTION_NONE,
        "There is no command that could reload."},
    {STATE_LEAVING, ON_TERMINAL_HANG_UP, STATE_LEAVING, ACTION_NONE,
        "What is left has been asked to end already."},
    {STATE_LEAVING, ON_STOP_KEY, STATE_LEAVING, ACTION_NONE,
        "What is left is being ended, and we do not stop before it is gone."},
    {STATE_LEAVING, ON_TERMINAL_STOP, STATE_LEAVING, ACTION_NONE,
        "What is left is being ended, and we do not stop before it is gone."},
    {STATE_LEAVING, ON_OWN_PIPE, STATE_LEAVING, ACTION_NONE,
        "The reader of our log has gone, which is no reason to stop."},
    {STATE_LEAVING, ON_CHILD_SIGNAL, STATE_LEAVING, ACTION_NONE,
        "Every wake-up reaps, whatever it was for."},
    {STATE_LEAVING, ON_OTHER_SIGNAL, STATE_LEAVING, ACTION_NONE,
        "It was meant for the command, which has ended."},
    {STATE_LEAVING, ON_NONE_LEFT, STATE_OVER, ACTION_NONE, "We leave as soon as nothing is left."},
    {STATE_LEAVING, ON_TIME_UP, STATE_LEAVING, ACTION_KILL_LEFTOVERS,
        "The grace is over, or one of them forked while it was being killed."},
    {STATE_LEAVING, ON_DROPPED_SIGNAL, STATE_LEAVING, ACTION_NONE,
        "It was ignored when we were started."},
    {STATE_LEAVING, ON_OUT_OF_REACH, STATE_OVER, ACTION_GIVE_UP,
        "The kernel ends it with PID 1; elsewhere it belongs to the init above us."},
};

const struct supervisor_row *state_table_next(
    enum supervisor_state state, enum supervisor_event event) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].state == state && rows[i].event == event) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_own_news(const struct received_signal *received, pid_t self) {
    return (received->number == SIGCHLD && received->from_kernel) ||
        (received->number == SIGPIPE && received->sender == self);
}

signal_mask state_table_ignored(signal_mask inherited, bool is_init, bool has_command) {
    return is_init && !has_command ? 0 : inherited;
}

enum supervisor_event state_table_event_of(
    const struct received_signal *received, signal_mask ignored, pid_t self) {
    int number = received->number;
    if (number == 0) {
        return ON_DROPPED_SIGNAL;
    }
    bool is_ignored = (ignored & SIGNAL_BIT(number)) != 0;

    if (is_own_news(received, self)) {
        return number == SIGCHLD ? ON_CHILD_SIGNAL : ON_OWN_PIPE;
    }
    if (received->from_kernel && number == SIGTSTP) {
        return ON_STOP_KEY;
    }
    if (received->from_kernel && (number == SIGTTIN || number == SIGTTOU)) {
        return ON_TERMINAL_STOP;
    }
    if (is_ignored) {
        return ON_OTHER_SIGNAL;
    }
    if (number == SIGHUP) {
        return received->from_kernel ? ON_TERMINAL_HANG_UP : ON_HANG_UP;
    }
    /* KILL only comes from --rewrite, by who wants no time lost over an end. */
    return number == SIGKILL || signals_ask_for_end(number) ? ON_END_SIGNAL : ON_OTHER_SIGNAL;
}

enum supervisor_event state_table_stop_event_of(int stopped_by, bool has_terminal, bool is_init) {
    bool can_be_terminal = stopped_by == SIGTSTP || stopped_by == SIGTTIN || stopped_by == SIGTTOU;
    if (!can_be_terminal || !has_terminal) {
        return ON_HALTED;
    }
    return is_init ? ON_STOPPED_AS_INIT : ON_STOPPED_AS_JOB;
}

int state_table_rewrite_of(
    const struct received_signal *received, const signal_rewrites rewrites, pid_t self) {
    return is_own_news(received, self) ? received->number : rewrites[received->number];
}

int state_table_stop_pending(
    signal_mask pending, signal_mask ignored, const signal_rewrites rewrites) {
    signal_mask meant = 0;
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        /* A mask does not say who sent it, and these two are mostly our own. */
        bool is_own = number == SIGCHLD || number == SIGPIPE;
        if ((pending & SIGNAL_BIT(number)) != 0 && !is_own && rewrites[number] != 0) {
            meant |= SIGNAL_BIT(rewrites[number]);
        }
    }
    meant &= ~ignored;
    return (meant & SIGNAL_BIT(SIGKILL)) != 0 ? SIGKILL : signals_asking_for_end(meant);
}
