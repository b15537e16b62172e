/*
 * The looks. Each opens a connection and closes it again, so they are not made more often than
 * somebody could read.
 */
#include "prepare/protocol/step_look.h"

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/report/report.h"

enum { LOOK_EVERY_MS = 5000, LOOK_SHORTEST_MS = 250, LOOKS_PER_WAIT = 3, SAY_EVERY_MS = 10000 };

void step_look_begin(struct step_look *look, const struct backend *backend, const char *step,
    int64_t lock_timeout_ms) {
    int64_t every_ms = deadline_earlier(LOOK_EVERY_MS, report_interval_ms());
    if (lock_timeout_ms > 0) {
        int64_t share_ms = lock_timeout_ms / LOOKS_PER_WAIT;
        every_ms =
            deadline_earlier(every_ms, share_ms > LOOK_SHORTEST_MS ? share_ms : LOOK_SHORTEST_MS);
    }
    *look = (struct step_look){.backend = backend,
        .step = step,
        .every_ms = every_ms,
        .at_ms = deadline_after_ms(every_ms)};
}

static void say_waiting(struct step_look *look, const struct lock_wait *wait) {
    const struct event_fields fields = {.step = look->step, .elapsed_ms = wait->waited_ms};
    look->say_at_ms = deadline_after_ms(SAY_EVERY_MS);
    report(EVENT_STEP_BLOCKED, &fields, "has waited for a lock for %s: %s; in its way: %s",
        duration_describe(wait->waited_ms).string, wait->statement, wait->by);
}

void step_look_make(struct step_look *look) {
    struct fence_report found;
    struct error error;
    if (clock_now_ms() < look->at_ms) {
        return;
    }
    if (look->backend->operations->fence(look->backend->self, false, &found, &error) == SEEN_DONE) {
        if (found.ended > 0) {
            /* A step of an earlier run that was still booting when its runner died connects only
             * now. */
            report(EVENT_FENCED, NULL, "ended %d late statement%s of an earlier run", found.ended,
                found.ended == 1 ? "" : "s");
        }
        if (found.lock_wait.waited_ms > 0) {
            look->last = found.lock_wait;
        }
        if (found.lock_wait.waited_ms >= report_interval_ms() &&
            clock_now_ms() >= look->say_at_ms) {
            say_waiting(look, &found.lock_wait);
        }
    }
    look->at_ms = deadline_after_ms(look->every_ms);
}
