/*
 * The one way in which processes are ended here: TERM, time to leave, KILL. The decision is a pure
 * function of a state and the clock; descendants.h finds the processes and signals them.
 */
#ifndef SIGNALBOX_PROCESS_TERMINATION_H
#define SIGNALBOX_PROCESS_TERMINATION_H

#include <stdint.h>

enum termination_stage { TERMINATION_NOT_BEGUN, TERMINATION_ASKED, TERMINATION_KILLED };
enum termination_action { TERMINATION_WAIT, TERMINATION_SEND_TERM, TERMINATION_SEND_KILL };

struct termination {
    enum termination_stage stage;
    int64_t kill_at_ms; /* On the monotonic clock; DEADLINE_NEVER while not begun. */
};

void termination_initialise(struct termination *termination);

/* Asks for an end with TERM now and KILL at `kill_at_ms`. Asking again can only bring the KILL
 * nearer. A time that has passed means KILL without TERM. */
enum termination_action termination_begin(
    struct termination *termination, int64_t now_ms, int64_t kill_at_ms);

/* What is due at `now_ms`. After KILL it says KILL again whenever it is asked, since a process may
 * fork between our look and our signal; ask when something was reaped or a look is due. */
enum termination_action termination_due(struct termination *termination, int64_t now_ms);

/* When to ask again: for poll. */
int64_t termination_deadline_ms(const struct termination *termination);

#endif
