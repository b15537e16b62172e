/*
 * Children and orphans that have ended. Nothing here waits.
 */
#ifndef SIGNALBOX_PROCESS_REAP_H
#define SIGNALBOX_PROCESS_REAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "signalbox/process/descendants.h"

/* Makes orphans below this process its children: PR_SET_CHILD_SUBREAPER on or off. False when the
 * kernel refuses. */
bool reap_set_subreaper(bool on);

/* Reaps whatever has ended. Returns false when no child is left at all (ECHILD). For `*watched` the
 * wait status is stored and *watched set to 0; otherwise neither is touched. */
bool reap_children(pid_t *watched, int *wait_status);

/* The same for a caller that also wants to know that `*watched` was stopped: by which signal is
 * stored in
 * `*stopped_by`, and 0 when it was not. A process that is reaped no longer counts as one that was
 * there before.
 */
bool reap_children_watching(
    pid_t *watched, int *wait_status, int *stopped_by, struct preexisting *preexisting);

#endif
