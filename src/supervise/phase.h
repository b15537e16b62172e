/*
 * One phase while it runs: a process that is watched, and whatever it leaves behind.
 */
#ifndef SIGNALBOX_SUPERVISE_PHASE_H
#define SIGNALBOX_SUPERVISE_PHASE_H

#include <stdbool.h>
#include <sys/types.h>

#include "signalbox/base/error.h"
#include "signalbox/process/termination.h"
#include "signalbox/supervise/supervisor.h"
#include "supervise/state_table.h"

struct phase {
    struct supervisor *supervisor;
    enum supervisor_state state;
    const char *name; /* For messages: "command", "preparer" or "hook". */
    pid_t process;
    pid_t watched; /* The same until it has been reaped, then 0. */
    int wait_status;
    int stopped_by; /* The signal that has stopped it since the last look, or 0. */
    int cancelled_by;
    signal_mask ignored; /* Of what was inherited as ignored, what means nothing in this phase. */
    signal_mask passed;  /* What was sent on to it. */
    int64_t
        kills_before;  /* What the kernel's OOM killer had done when it was started; -1 unknown. */
    bool has_children; /* Of ours to wait for: processes that were there before aside. */
    bool is_preparer_killed;
    bool
        is_out_of_reach; /* The last KILL for what is left reached no process, and some are left. */
    pid_t beside;        /* What runs beside the command until it has ended; 0 without it. */
    int64_t beside_until_ms; /* How long it may take once the command has ended. */
    struct termination leftovers;
};

/* A phase whose process has yet to be started: `name` is what messages call it. */
struct phase phase_make(
    struct supervisor *supervisor, enum supervisor_state state, const char *name);

/* Remembers how often the OOM killer has been here, so that its next victim can be named. Until it
 * is called that is 0: a container's cgroup is as young as its PID 1, and the file reads of this
 * would be a tenth of the time that we take to start. */
void phase_note_memory(struct phase *phase);

/* Runs the phase of `process`, a child just started, until nothing of it is left. */
int phase_run(struct phase *phase, pid_t process, struct error *error) MUST_USE;

#endif
