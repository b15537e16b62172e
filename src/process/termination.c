/*
 * Owns the decision when TERM and KILL are due. Finds no processes itself (descendants.c) and never
 * waits.
 */
#include "signalbox/process/termination.h"

#include <stdbool.h>

#include "signalbox/base/deadline.h"

void termination_initialise(struct termination *termination) {
    termination->stage = TERMINATION_NOT_BEGUN;
    termination->kill_at_ms = DEADLINE_NEVER;
}

enum termination_action termination_due(struct termination *termination, int64_t now_ms) {
    switch (termination->stage) {
    case TERMINATION_NOT_BEGUN:
        return TERMINATION_WAIT;
    case TERMINATION_ASKED:
        if (now_ms < termination->kill_at_ms) {
            return TERMINATION_WAIT;
        }
        termination->stage = TERMINATION_KILLED;
        return TERMINATION_SEND_KILL;
    case TERMINATION_KILLED:
        return TERMINATION_SEND_KILL;
    }
    return TERMINATION_WAIT;
}

enum termination_action termination_begin(
    struct termination *termination, int64_t now_ms, int64_t kill_at_ms) {
    bool is_first = termination->stage == TERMINATION_NOT_BEGUN;
    if (is_first) {
        termination->stage = TERMINATION_ASKED;
    }
    termination->kill_at_ms = deadline_earlier(termination->kill_at_ms, kill_at_ms);

    enum termination_action action = termination_due(termination, now_ms);
    return is_first && action == TERMINATION_WAIT ? TERMINATION_SEND_TERM : action;
}

int64_t termination_deadline_ms(const struct termination *termination) {
    /* After KILL there is nothing to wait for but SIGCHLD: a process that escaped by forking
     * becomes our child when its killed parent ends, and that end wakes us. */
    return termination->stage == TERMINATION_ASKED ? termination->kill_at_ms : DEADLINE_NEVER;
}
