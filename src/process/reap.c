/*
 * Owns the reaping.
 * The trap: signals coalesce, so one SIGCHLD may stand for a hundred ends. Reaping goes on until
 * the kernel has no more to give.
 */
#include "signalbox/process/reap.h"
#include "signalbox/process/descendants.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

bool reap_set_subreaper(bool on) {
    return prctl(PR_SET_CHILD_SUBREAPER, on ? 1UL : 0UL, 0UL, 0UL, 0UL) == 0;
}

bool reap_children_watching(
    pid_t *watched, int *wait_status, int *stopped_by, struct preexisting *preexisting) {
    int status = 0;
    pid_t child;
    *stopped_by = 0;
    while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (WIFSTOPPED(status)) {
            /* Of several stops in one wake-up the last is how it is now. */
            *stopped_by = child == *watched ? WSTOPSIG(status) : *stopped_by;
            continue;
        }
        descendants_forget_preexisting(preexisting, child);
        if (child == *watched) {
            *wait_status = status;
            *watched = 0;
            *stopped_by = 0;
        }
    }
    return child == 0 || errno != ECHILD;
}

bool reap_children(pid_t *watched, int *wait_status) {
    struct preexisting none = {.processes = NULL};
    int stopped_by = 0;
    return reap_children_watching(watched, wait_status, &stopped_by, &none);
}
