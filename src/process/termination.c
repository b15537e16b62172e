/*
 * Owns the decision when TERM and KILL are due. Finds no processes itself (descendants.c) and never
 * waits.
 */
#include "signalbox/process/termination.h"

#include <stdbool.h>

#include "signalbox/base/deadline.h"

void ending_initialise(struct ending *ending) {
    ending->stage = ENDING_NOT_BEGUN;
    ending->kill_at_ms = DEADLINE_NEVER;
}

enum ending_action ending_due(struct ending *ending, int64_t now_ms) {
    switch (ending->stage) {
    case ENDING_NOT_BEGUN:
        return ENDING_WAIT;
    case ENDING_ASKED:
        if (now_ms < ending->kill_at_ms) {
            return ENDING_WAIT;
        }
        ending->stage = ENDING_KILLED;
        return ENDING_SEND_KILL;
    case ENDING_KILLED:
        return ENDING_SEND_KILL;
    }
    return ENDING_WAIT;
}

enum ending_action ending_begin(struct ending *ending, int64_t now_ms, int64_t kill_at_ms) {
    bool is_first = ending->stage == ENDING_NOT_BEGUN;
    if (is_first) {
        ending->stage = ENDING_ASKED;
    }
    ending->kill_at_ms = deadline_earlier(ending->kill_at_ms, kill_at_ms);

    enum ending_action action = ending_due(ending, now_ms);
    return is_first && action == ENDING_WAIT ? ENDING_SEND_TERM : action;
}

int64_t ending_deadline_ms(const struct ending *ending) {
    /* After KILL there is nothing to wait for but SIGCHLD: whoever escaped by forking becomes our
     * child when its killed parent ends, and that end wakes us. */
    return ending->stage == ENDING_ASKED ? ending->kill_at_ms : DEADLINE_NEVER;
}
