/*
 * The one way in which processes are ended here: TERM, time to leave, KILL. The decision is a pure
 * function of a state and the clock; thin functions find the processes and signal them.
 */
#ifndef SIGNALBOX_PROCESS_ENDING_H
#define SIGNALBOX_PROCESS_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ending_stage { ENDING_NOT_BEGUN, ENDING_ASKED, ENDING_KILLED };
enum ending_action { ENDING_WAIT, ENDING_SEND_TERM, ENDING_SEND_KILL };

struct ending {
    enum ending_stage stage;
    int64_t kill_at_ms; /* On the monotonic clock; DEADLINE_NEVER while not begun. */
};

void ending_initialise(struct ending *ending);

/* Asks for an end with TERM now and KILL at `kill_at_ms`. Asking again can only bring the KILL
 * nearer. A time that has passed means KILL without TERM. */
enum ending_action ending_begin(struct ending *ending, int64_t now_ms, int64_t kill_at_ms);

/* What is due at `now_ms`. After KILL it says KILL again whenever it is asked, since a process may
 * fork between our look and our signal; ask when something was reaped or a look is due. */
enum ending_action ending_due(struct ending *ending, int64_t now_ms);

/* When to ask again: for poll. */
int64_t ending_deadline_ms(const struct ending *ending);

/* Makes orphans below this process its children: PR_SET_CHILD_SUBREAPER on or off. False when the
 * kernel refuses. */
bool subreaper_set(bool on);

/*
 * Signals every descendant of this process that /proc shows, each by a handle on that very process
 * (pidfd), so that a number used again is never hit. A fork during the look is found by the next
 * one: it looks until nothing new is there. Where /proc is missing or shows another namespace: as
 * PID 1 namespace_signal, otherwise the process group `group` when that is not 0. Returns how many
 * were signalled (1 for a group), 0 when nothing is left. Never signals a process that is not below
 * this one: with /proc not even one that `docker exec` brought into our namespace.
 */
int descendants_signal(pid_t group, int signal);

/* As PID 1 only: `kill(-1)`, which reaches everything in the PID namespace at one instant. Returns
 * how many there were by /proc's count, at least 1 when the kernel found one, 0 when nothing is
 * left. Anywhere else it signals nothing and returns 0. */
int namespace_signal(int signal);

/* Reaps whatever has ended. Returns false when no child is left at all (ECHILD). For `*watched` the
 * wait status is stored and *watched set to 0; otherwise neither is touched. */
bool children_reap(pid_t *watched, int *wait_status);

#endif
