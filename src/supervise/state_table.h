/*
 * The supervisor's decisions as data: what is done in each state when something happens, and why.
 * Pure: no clock, no process, no descriptor.
 */
#ifndef SIGNALBOX_SUPERVISE_STATE_TABLE_H
#define SIGNALBOX_SUPERVISE_STATE_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

#include "signalbox/process/signals.h"
#include "signalbox/supervise/supervisor.h"

enum supervisor_state {
    STATE_PREPARING,  /* The preparer runs. */
    STATE_CANCELLING, /* It was asked to end, and the clock runs. */
    STATE_PREPARED,   /* The preparer is gone; what it left behind is being ended. */
    STATE_RUNNING,    /* The command runs. */
    STATE_FINISHING,  /* The command is gone; what runs beside it still has time. */
    STATE_LEAVING,    /* The command is gone; what it left behind is being ended. */
    STATE_OVER,       /* Nothing is left. */
    STATE_COUNT
};

enum supervisor_event {
    ON_END_SIGNAL,       /* It asks for an end, and is neither HUP nor inherited as ignored. */
    ON_HANG_UP,          /* HUP from a process: an end for some programs, a reload for others. */
    ON_TERMINAL_HANG_UP, /* HUP from the kernel: the terminal is gone. */
    ON_STOP_KEY,         /* TSTP from the terminal: ^Z, while our own group has the foreground. */
    ON_TERMINAL_STOP,    /* TTIN or TTOU from the terminal. */
    ON_OWN_PIPE,         /* SIGPIPE from our own writing. */
    ON_CHILD_SIGNAL,     /* SIGCHLD from the kernel. */
    ON_OTHER_SIGNAL,     /* Any other signal. */
    ON_DROPPED_SIGNAL,   /* --rewrite made nothing of it. */
    ON_STOPPED_AS_INIT,  /* The terminal has stopped the command, and no process is above us. */
    ON_STOPPED_AS_JOB,   /* The terminal has stopped the command, and a shell may be above us. */
    ON_HALTED,           /* A process has stopped it. */
    ON_EXITED,           /* The preparer or the command has exited. */
    ON_KILLED,           /* A signal has ended it. */
    ON_ENDED_FIRST,      /* The command has ended, unasked, before what runs beside it. */
    ON_BESIDE_ENDED,     /* What was to run beside the command has ended. */
    ON_NONE_LEFT,        /* Nothing is left of it and of what it started. */
    ON_OUT_OF_REACH,     /* What is left cannot be killed by us. */
    ON_TIME_UP,          /* The clock that runs in this state has come to its end. */
    SUPERVISOR_EVENT_COUNT
};

enum supervisor_action {
    ACTION_NONE,
    ACTION_CANCEL,             /* Pass the signal to the preparer, remember it, start the clock. */
    ACTION_REMEMBER,           /* Remember the signal; bring the KILL of what is left nearer. */
    ACTION_FORWARD,            /* Send the signal to the command. */
    ACTION_FORWARD_AND_TIME,   /* The same, and start the clock. */
    ACTION_FORWARD_AND_RESUME, /* The same as FORWARD, then CONT. */
    ACTION_RESUME,             /* Give the command the foreground and CONT. */
    ACTION_STOP_TOO,           /* Stop ourselves; when we are continued, the same as RESUME. */
    ACTION_HASTEN,             /* Start the clock for what is left. */
    ACTION_LET_FINISH,         /* Start the clock, and let what runs beside have a part of it. */
    ACTION_KILL_PREPARER,
    ACTION_END_LEFTOVERS,  /* TERM now, KILL when the grace is over. */
    ACTION_KILL_LEFTOVERS, /* KILL now. */
    ACTION_GIVE_UP,        /* Say what is left and go on without it. */
    ACTION_COUNT
};

struct supervisor_row {
    enum supervisor_state state;
    enum supervisor_event event;
    enum supervisor_state next;
    enum supervisor_action action;
    const char *why;
};

/* NULL for a pair that cannot happen. */
const struct supervisor_row *state_table_next(
    enum supervisor_state state, enum supervisor_event event);

/* What of `inherited`, the signals that we inherited as ignored, means nothing to us. All of it, as
 * nohup or a script's background want it; but nothing to PID 1 until a command runs that could have
 * an opinion: a stop of the container is meant, and the dispositions were not chosen for it. */
signal_mask state_table_ignored(signal_mask inherited, bool is_init, bool has_command);

/* What a received signal is to the table. One of `ignored` never means an end. `self` is our
 * process number. */
enum supervisor_event state_table_event_of(
    const struct received_signal *received, signal_mask ignored, pid_t self);

/* What it is to the table that signal `stopped_by` has stopped the command. Without a terminal it
 * was a process that wanted it so. */
enum supervisor_event state_table_stop_event_of(int stopped_by, bool has_terminal, bool is_init);

/* What a received signal is taken for: --rewrite changes its number, 0 when it is to be dropped.
 * The news of our own children and our own broken pipe are no signals that another process sent. */
int state_table_rewrite_of(
    const struct received_signal *received, const signal_rewrites rewrites, pid_t self);

/* Which signal that is waiting in `pending` forbids to start a command, or 0. */
int state_table_stop_pending(
    signal_mask pending, signal_mask ignored, const signal_rewrites rewrites);

#endif
