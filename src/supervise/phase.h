/*
 * One phase while it runs: a process that is watched, and whatever it leaves behind.
 */
#ifndef SIGNALBOX_SUPERVISE_PHASE_H
#define SIGNALBOX_SUPERVISE_PHASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "machine.h"
#include "signalbox/base/error.h"
#include "signalbox/process/ending.h"
#include "signalbox/supervise/supervise.h"

struct phase {
    struct supervisor *supervisor;
    enum supervisor_state state;
    const char *name; /* For messages: "command" or "preparer". */
    pid_t process;
    pid_t watched; /* The same until it has been reaped, then 0. */
    int wait_status;
    int cancelled_by;
    bool has_children;
    bool is_preparer_killed;
    struct ending leftovers;
};

/* A phase whose process has yet to be started: `name` is what messages call it. */
struct phase phase_make(
    struct supervisor *supervisor, enum supervisor_state state, const char *name);

/* Runs the phase of `process`, a child just started, until nothing of it is left. */
int phase_run(struct phase *phase, pid_t process, struct error *error) MUST_USE;

#endif
