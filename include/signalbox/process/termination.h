/*
 * The one way in which processes are ended here: TERM, time to leave, KILL. The decision is a pure
 * function of a state and the clock; descendants.h finds the processes and signals them.
 */
#ifndef SIGNALBOX_PROCESS_TERMINATION_H
#define SIGNALBOX_PROCESS_TERMINATION_H

#include <stdint.h>

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

#endif
