/*
 * The one way in which processes are ended here: TERM, time to leave, KILL. The decision is a pure
 * function of a state and the clock; thin functions find the processes and signal them.
 */
#ifndef SIGNALBOX_PROCESS_TERMINATION_H
#define SIGNALBOX_PROCESS_TERMINATION_H

#include <stdbool.h>
#include <stddef.h>
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

/* The children that this process has before it starts any (`cron & exec signalbox …`): neither they
 * nor what is below them was left behind by what we run. */
struct bystanders {
    pid_t *processes;
    size_t count;
};

/* None are found where /proc cannot be used. Release it. */
void bystanders_note(struct bystanders *bystanders);
void bystanders_forget(struct bystanders *bystanders, pid_t process);
void bystanders_release(struct bystanders *bystanders);

/* Whom a signal reached. */
struct reach {
    int signalled; /* Processes; 1 for a group. */
    int refused;   /* Processes that we may not signal, such as setuid programs. */
    bool is_blind; /* /proc cannot be used: somebody may be left whom nobody can find. */
};

/*
 * Signals every descendant of this process that /proc shows, each by a handle on that very process
 * (pidfd), so that a number used again is never hit. A fork during the look is found by the next
 * one: it looks until nothing new is there. Where /proc is missing or shows another namespace: as
 * PID 1 namespace_signal, otherwise the process group `group` when that is not 0. Never signals a
 * process that is not below this one: with /proc not even one that `docker exec` brought into our
 * namespace. `bystanders` may be NULL.
 */
struct reach descendants_signal(pid_t group, int signal, const struct bystanders *bystanders);

/* Whether anything below this process lives that is no bystander; true where nothing can be seen.
 */
bool descendants_remain(const struct bystanders *bystanders);

/* Whether the process is below this one; true where nothing can be seen. */
bool descendants_have(pid_t process);

/* As PID 1 only: `kill(-1)`, which reaches everything in the PID namespace at one instant. Says how
 * many there were by /proc's count, at least 1 when the kernel found one. Anywhere else it signals
 * nothing. */
struct reach namespace_signal(int signal);

/* Reaps whatever has ended. Returns false when no child is left at all (ECHILD). For `*watched` the
 * wait status is stored and *watched set to 0; otherwise neither is touched. */
bool children_reap(pid_t *watched, int *wait_status);

/* The same for who also wants to know that `*watched` was stopped: by which signal is stored in
 * `*stopped_by`, and 0 when it was not. Who is reaped is no bystander any more. */
bool children_reap_watching(
    pid_t *watched, int *wait_status, int *stopped_by, struct bystanders *bystanders);

#endif
