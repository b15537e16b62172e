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

static int64_t find_interval_ms(const struct steps_request *request) {
    int64_t share_ms = request->lock_timeout_ms / LOOKS_PER_WAIT;
    if (request->are_looks_dear) {
        return LOOK_EVERY_MS;
    }
    int64_t every_ms = deadline_earlier(LOOK_EVERY_MS, report_interval_ms());
    if (request->lock_timeout_ms > 0 && share_ms < every_ms) {
        return share_ms > LOOK_SHORTEST_MS ? share_ms : LOOK_SHORTEST_MS;
    }
    return every_ms;
}

void step_look_begin(
    struct step_look *look, const struct steps_request *request, const char *step) {
    int64_t every_ms = find_interval_ms(request);
    *look = (struct step_look){.backend = request->backend,
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
