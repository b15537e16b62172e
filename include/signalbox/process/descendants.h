/*
 * Everything below this process: found, signalled, waited for.
 */
#ifndef SIGNALBOX_PROCESS_DESCENDANTS_H
#define SIGNALBOX_PROCESS_DESCENDANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The children that this process has before it starts any (`cron & exec signalbox …`): neither they
 * nor what is below them was left behind by what we run. */
struct preexisting {
    pid_t *processes;
    size_t count;
};

/* None are found where /proc cannot be used. Release it. */
void descendants_note_preexisting(struct preexisting *preexisting);
void descendants_forget_preexisting(struct preexisting *preexisting, pid_t process);
void descendants_release_preexisting(struct preexisting *preexisting);

/* Which processes a signal reached. */
struct descendants_signalled {
    int signalled; /* Processes; 1 for a group. */
    int refused;   /* Processes that we may not signal, such as setuid programs. */
    bool is_blind; /* /proc cannot be used: processes may be left that cannot be found. */
};

/*
 * Signals every descendant of this process that /proc shows, each by a handle on that very process
 * (pidfd), so that a number used again is never hit. A fork during the look is found by the next
 * one: it looks until nothing new is there. Where /proc is missing or shows another namespace: as
 * PID 1 descendants_signal_namespace, otherwise the process group `group` when that is not 0. Never
 * signals a process that is not below this one: with /proc not even one that `docker exec` brought
 * into our namespace. `preexisting` may be NULL.
 */
struct descendants_signalled descendants_signal(
    pid_t group, int signal, const struct preexisting *preexisting);

/* Whether a process below this one lives that was not there before; true where nothing can be seen.
 */
bool descendants_remain(const struct preexisting *preexisting);

/* Whether the process is below this one; true where nothing can be seen. */
bool descendants_have(pid_t process);

/* As PID 1 only: `kill(-1)`, which reaches everything in the PID namespace at one instant. Says how
 * many there were by /proc's count, at least 1 when the kernel found one. Anywhere else it signals
 * nothing. */
struct descendants_signalled descendants_signal_namespace(int signal);

#endif
