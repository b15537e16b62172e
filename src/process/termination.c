/*
 * Owns the decision when TERM and KILL are due, and the reaping. Finds no processes itself
 * (descendants.c) and never waits.
 * The trap: signals coalesce, so one SIGCHLD may stand for a hundred ends. Reaping goes on until
 * the kernel has nothing more to give.
 */
#include "signalbox/process/termination.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

bool subreaper_set(bool on) {
    return prctl(PR_SET_CHILD_SUBREAPER, on ? 1UL : 0UL, 0UL, 0UL, 0UL) == 0;
}

bool children_reap_watching(
    pid_t *watched, int *wait_status, int *stopped_by, struct bystanders *bystanders) {
    int status = 0;
    pid_t child;
    *stopped_by = 0;
    while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) {
            /* Of several stops in one wake-up the last is how it is now. */
            *stopped_by = child == *watched ? WSTOPSIG(status) : *stopped_by;
            continue;
        }
        bystanders_forget(bystanders, child);
        if (child == *watched) {
            *wait_status = status;
            *watched = 0;
            *stopped_by = 0;
        }
    }
    return child == 0 || errno != ECHILD;
}

bool children_reap(pid_t *watched, int *wait_status) {
    struct bystanders none = {.processes = NULL};
    int stopped_by = 0;
    return children_reap_watching(watched, wait_status, &stopped_by, &none);
}
