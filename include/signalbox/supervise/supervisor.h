/*
 * PID 1, or whatever process stands in its place: runs the phases it is given, one after the other.
 * A phase is a function in a forked child (preparing) or a program (the command). The supervisor
 * knows nothing of what they do. It forwards signals, reaps, ends what is left over, and tells how
 * the phase ended. It speaks to no network and never blocks but in one poll(2).
 */
#ifndef SIGNALBOX_SUPERVISE_SUPERVISOR_H
#define SIGNALBOX_SUPERVISE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/signals.h"

struct supervisor {
    struct signal_inheritance inheritance;
    struct preexisting preexisting; /* Children that were there before us. */
    signal_rewrites rewrites;
    uint64_t ok_exits[4]; /* A bit for each exit status that is to be reported as 0. */
    int signal_fd;
    int64_t grace_ms;
    int64_t kill_at_ms; /* One clock: set by the first TERM that reached us. */
    bool is_init;       /* We are PID 1 of our namespace. */
    bool signal_group;  /* Signals go to the command's group. */
    bool has_said_refusal;
    bool has_prepared;
    int (*beside)(void *argument); /* What is to run beside the command, once that starts. */
    void *beside_argument;
};

/* The first act of the program: /dev/null on any missing 0, 1, 2; every signal blocked at once.
 * -1 with the error filled only where the kernel gives no signalfd. Close it in any case. */
int supervisor_open(struct supervisor *supervisor, struct error *error) MUST_USE;
void supervisor_close(struct supervisor *supervisor);

/* How long what is left over has between TERM and KILL; 5 s until said otherwise. */
void supervisor_set_grace(struct supervisor *supervisor, int64_t grace_ms);

/* Takes signal `from` for `to`, or for nothing when that is 0, in every phase. */
void supervisor_rewrite_signal(struct supervisor *supervisor, int from, int to);

/* Lets every signal go to the command's process group instead of to the command alone. */
void supervisor_signal_group(struct supervisor *supervisor);

/* Reports this exit status (0 to 255) as 0. */
void supervisor_accept_exit(struct supervisor *supervisor, int exit_status);

/* What to exit with where a phase ended with `exit_status`. */
int supervisor_exit_status(const struct supervisor *supervisor, int exit_status);

struct phase_end {
    int exit_status;  /* The phase's own, or 128 + N. */
    int cancelled_by; /* The signal that asked for an end before the phase was over, or 0. */
};

/*
 * Runs `function(argument)`, which messages call `name`, in a forked child with a process group of
 * its own, never in the foreground, whose exit status is what it returns. TERM, INT, QUIT and HUP
 * are passed to it and cancel; terminal stops and everything else are ignored. It has
 * PR_SET_PDEATHSIG=TERM, all signals blocked, and must open a signalfd of its own. Returns when it
 * and all it left behind are gone: after a preparer that a signal ended, that is KILL for the rest
 * at once.
 */
int supervisor_run_function(struct supervisor *supervisor, const char *name,
    int (*function)(void *argument), void *argument, struct phase_end *end,
    struct error *error) MUST_USE;

/*
 * Has `function(argument)` run in a forked child when the command starts, as above, and in nobody's
 * way. As the command's parent we reap it. A command that ends unasked leaves it three quarters of
 * the grace; otherwise it is ended with what the command leaves behind. Where
 * we become the command it is no child of that: whoever adopts orphans does. supervisor_takes_back
 * says whether it has not been started, because a signal came before the command, and forgets it.
 */
void supervisor_set_beside(
    struct supervisor *supervisor, int (*function)(void *argument), void *argument);
bool supervisor_takes_back(struct supervisor *supervisor);

/* Until when what is left may take that was asked to end; DEADLINE_NEVER before anything was. */
int64_t supervisor_stop_at_ms(const struct supervisor *supervisor);

/*
 * Runs the command as a child, forwards every signal to it, reaps, ends what it leaves behind, and
 * gives its exit status (126 and 127 as in a shell when it cannot be executed). Where we are not
 * PID 1, as a subreaper. Closes every descriptor above 2 and leaves the working directory once the
 * command has them: nothing that is opened before it survives this.
 */
int supervisor_run_program(struct supervisor *supervisor, char *const argv[], int *exit_status,
    struct error *error) MUST_USE;

/* Where there is an init already: becomes the command. Returns only on failure, with 126 or 127. */
int supervisor_become(struct supervisor *supervisor, char *const argv[]);

#endif
