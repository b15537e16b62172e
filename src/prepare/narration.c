/*
 * The words. The trap is a line that only says that something failed: each says what becomes of the
 * server, and which run of which replica it was about.
 */
#include "prepare/narration.h"

#include "signalbox/base/deadline.h"
#include "signalbox/base/text.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/process/signals.h"
#include "signalbox/report/report.h"

enum { SAY_EVERY_MS = 10000 };

void narrate_waiting(struct flight *flight, int64_t now_ms) {
    const struct run *holder = &flight->last.holder;
    struct event_fields fields = {.elapsed_ms = now_ms - flight->waiting_since_ms};
    flight->say_at_ms = now_ms + SAY_EVERY_MS;
    if (holder->id == 0 && flight_purpose(flight) == FLIGHT_TO_WAIT) {
        report(EVENT_WAITING, &fields,
            "nobody is preparing this content; waiting for a replica that does (%s so far)",
            duration_describe(fields.elapsed_ms).string);
        return;
    }
    if (holder->id == 0) {
        report(EVENT_WAITING, &fields, "another replica holds the lock; waiting (%s so far)",
            duration_describe(fields.elapsed_ms).string);
        return;
    }
    fields.holder = holder->host;
    fields.run = holder->id;
    report(EVENT_WAITING, &fields, "%s has been preparing for %s (run %lld); waiting", holder->host,
        duration_describe(holder->age_ms).string, (long long)holder->id);
}

void narrate_fencing(const struct fence_report *found, int64_t *say_at_ms) {
    if (found->ended > 0) {
        report(EVENT_FENCED, NULL,
            "ended %d statement%s that an earlier run had left at work in the server", found->ended,
            found->ended == 1 ? "" : "s");
    }
    if (found->holder[0] != '\0' && clock_now_ms() >= *say_at_ms) {
        *say_at_ms = clock_now_ms() + SAY_EVERY_MS;
        report(EVENT_WAITING, NULL, "waiting for %s, before the first step", found->holder);
    }
}

static int fail(const struct flight *flight) {
    const struct run *run = &flight->last.newest;
    int exit_status = run->exit_status == 0 ? EXIT_STATUS_SYSTEM : run->exit_status;
    struct event_fields fields = {
        .run = run->id,
        .holder = run->host,
        .step = run->step[0] == '\0' ? NULL : run->step,
        .has_exit_status = true,
        .exit_status = exit_status,
    };
    report(EVENT_PREPARE_FAILED, &fields,
        "run %lld on %s failed with status %d in `%s`: the server is not started",
        (long long)run->id, run->host, exit_status, run->step);
    return exit_status;
}

static void say_prepared(const struct flight *flight) {
    const struct run *run = &flight->last.newest;
    if (flight->prepared_here && flight->run_id == 0) {
        report(EVENT_PREPARED, NULL, "done, without a record in the ledger");
        return;
    }
    if (flight->prepared_here) {
        struct event_fields fields = {.run = flight->run_id};
        report(EVENT_PREPARED, &fields, "prepared (run %lld)", (long long)flight->run_id);
        return;
    }
    struct event_fields fields = {.run = run->id, .holder = run->host};
    report(EVENT_ALREADY_PREPARED, &fields, "already prepared by run %lld on %s, %s ago",
        (long long)run->id, run->host, duration_describe(run->age_ms).string);
}

int narrate_end(const struct flight *flight, enum flight_action action) {
    switch (action) {
    case ACT_START:
        say_prepared(flight);
        return EXIT_STATUS_SUCCESS;
    case ACT_START_UNRECORDED:
        report(EVENT_LEDGER_UNAVAILABLE, NULL,
            "prepared, but the ledger could not be written: the next replica runs again");
        return EXIT_STATUS_SUCCESS;
    case ACT_FAIL:
        return fail(flight);
    case ACT_GIVE_UP_WAITING:
        report(EVENT_PREPARE_FAILED, NULL,
            "waited %s for another replica to prepare: the server is not started (--wait-timeout)",
            duration_describe(flight->request->wait_timeout_ms).string);
        return EXIT_STATUS_WAITED_TOO_LONG;
    case ACT_GIVE_UP_LOCK:
        report(EVENT_PREPARE_FAILED, NULL,
            "the lock was lost while preparing: the server is not started");
        return EXIT_STATUS_WAITED_TOO_LONG;
    case ACT_REFUSE:
        report(EVENT_DATABASE_REFUSED, NULL, "%s", flight->error.text);
        return flight->error.exit_status;
    case ACT_CANCEL:
        report(EVENT_CANCELLED, NULL, "%s while preparing: the server is not started",
            signal_name(flight->cancellation->signal));
        return EXIT_STATUS_SIGNAL_BASE + flight->cancellation->signal;
    case ACT_CONNECT:
    case ACT_LOOK:
    case ACT_TRY_LOCK:
    case ACT_PAUSE:
    case ACT_BEGIN_RUN:
    case ACT_FENCE:
    case ACT_RUN_STEPS:
    case ACT_RECORD_OUTCOME:
        break;
    }
    return EXIT_STATUS_SYSTEM;
}
