/*
 * Owns which processes count as left behind, in which state, and what is said about them.
 * process/termination.c decides when TERM and KILL are due, and process/descendants.c finds the
 * processes. Some processes cannot be killed and are not waited for: a setuid program under a PID 1
 * without privileges, or any process where /proc is missing and we are not PID 1.
 */
#include "supervise/leftovers.h"

#include <inttypes.h>
#include <signal.h>

#include "signalbox/base/clock.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/termination.h"
#include "signalbox/report/report.h"

/* While the container goes on, only what is below us is ours to end; when it ends, everything is.
 */
static struct descendants_signalled leftovers_signal(const struct phase *phase, int number) {
    const struct supervisor *supervisor = phase->supervisor;
    if (phase->state != STATE_LEAVING || !supervisor->is_init) {
        return descendants_signal(phase->process, number, &supervisor->preexisting);
    }
    struct descendants_signalled result = descendants_signal_namespace(number);
    if (number == SIGKILL) {
        /* The kernel does not say whom kill(-1) was not allowed to reach; this does. */
        struct descendants_signalled found = descendants_signal(phase->process, number, NULL);
        result.refused = found.refused;
        result.signalled = found.signalled == 0 && found.refused > 0 ? 0 : result.signalled;
    }
    return result;
}

static void leftovers_act(struct phase *phase, enum termination_action action, bool is_first_kill) {
    int64_t left_ms = 0;
    struct descendants_signalled result;
    switch (action) {
    case TERMINATION_WAIT:
        return;
    case TERMINATION_SEND_TERM:
        result = leftovers_signal(phase, SIGTERM);
        left_ms = termination_deadline_ms(&phase->leftovers) - clock_now_ms();
        if (result.signalled > 0) {
            report(EVENT_LEFTOVERS, NULL,
                "%d process%s left behind by the %s: asked to end (TERM), KILL in %" PRId64 " ms",
                result.signalled, result.signalled == 1 ? "" : "es", phase->name, left_ms);
        }
        return;
    case TERMINATION_SEND_KILL:
        result = leftovers_signal(phase, SIGKILL);
        phase->is_out_of_reach = result.signalled == 0 && (result.refused > 0 || result.is_blind);
        if (result.signalled > 0 && is_first_kill) {
            const struct event_fields fields = {.is_imposed = true};
            report(EVENT_LEFTOVERS, &fields, "%d process%s left behind by the %s: killed",
                result.signalled, result.signalled == 1 ? "" : "es", phase->name);
        }
        return;
    }
}

void leftovers_end(struct phase *phase, int64_t kill_at_ms) {
    bool was_killed = phase->leftovers.stage == TERMINATION_KILLED;
    if (phase->has_children) {
        enum termination_action action =
            termination_begin(&phase->leftovers, clock_now_ms(), kill_at_ms);
        leftovers_act(phase, action, !was_killed);
    }
}

void leftovers_give_up(const struct phase *phase) {
    report(EVENT_LEFTOVERS_OUT_OF_REACH, NULL,
        "a process that the %s left behind cannot be killed from here (it is another user's, or "
        "/proc is missing): going on without it",
        phase->name);
}
