/*
 * The trap: the pause may be longer than the lock lives untended, and a step that runs again after
 * the lock was lost is two migrations at once. So the lock is tended in the pause, and asked once
 * more by whoever begins the step.
 */
#include "prepare/protocol/step_again.h"

#include <poll.h>

#include "prepare/protocol/retry.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/report/report.h"

/* Ruby, for one, writes what it has for its standard output when it ends, after the error: that
 * must not be lost behind the names of the migrations that went well. */
static enum retry_cause find_cause(const struct steps_request *request) {
    AUTO_TEXT struct text lines = {.data = NULL};
    output_tail_join(request->output_tail, &lines);
    output_tail_join(request->errors_tail, &lines);
    return retry_find_cause(text_string(&lines));
}

static void say_again(const struct steps_request *request, const struct step_try *failed,
    enum retry_cause cause, int exit_status, int64_t pause_ms) {
    const struct event_fields fields = {.step = failed->step,
        .elapsed_ms = clock_now_ms() - failed->began_ms,
        .has_exit_status = true,
        .exit_status = exit_status};
    bool was_seen = cause != RETRY_CAUSE_SERIALIZATION && failed->lock_wait->waited_ms > 0;
    report(EVENT_STEP_RETRIED, &fields,
        "it failed because of %s%s%s, which may pass: running it again from its beginning in %s, "
        "try %d of %d; what it has committed stays",
        retry_cause_name(cause), was_seen ? "; in its way was " : "",
        was_seen ? failed->lock_wait->by : "", duration_describe(pause_ms).string,
        failed->number + 1, request->retries + 1);
}

static enum observation pause_tending(const struct steps_request *request, int64_t pause_ms) {
    const struct backend *backend = request->backend;
    int64_t until_ms = deadline_after_ms(pause_ms);
    while (!deadline_passed(until_ms)) {
        struct pollfd descriptors[] = {
            {.fd = request->stop_request->signal_fd, .events = POLLIN},
            {.fd = backend->operations->guard_fd(backend->self), .events = POLLIN},
        };
        int64_t wake_ms =
            deadline_earlier(until_ms, backend->operations->guard_deadline_ms(backend->self));
        (void)poll(descriptors, ARRAY_LENGTH(descriptors), deadline_poll_timeout_ms(wake_ms));
        if (stop_request_heard(request->stop_request)) {
            return SEEN_STEPS_STOPPED;
        }
        if (!backend->operations->guard_holds(backend->self)) {
            return SEEN_LOCK_LOST;
        }
    }
    return SEEN_DONE;
}

enum observation step_again_decide(
    const struct steps_request *request, const struct step_try *failed, int exit_status) {
    int64_t pause_ms = 0;
    const struct retry_facts facts = {
        .cause = request->retries == 0 ? RETRY_CAUSE_LASTS : find_cause(request),
        .tries = failed->number,
        .retries = request->retries,
        .elapsed_ms = clock_now_ms() - failed->began_ms,
        .timeout_ms = request->timeout_ms,
        .random = random_number(),
    };
    if (!retry_decide(&facts, &pause_ms)) {
        return SEEN_STEPS_FAILED;
    }
    say_again(request, failed, facts.cause, exit_status, pause_ms);
    request->backend->operations->fence_own(request->backend->self);
    request->backend->operations->name_remains(request->backend->self);
    return pause_tending(request, pause_ms);
}
