/*
 * Asking how this image's content stands. The trap is a question that hangs, in a probe that is
 * asked again every few seconds: one timer ends the whole of it.
 */
#include "signalbox/prepare/readiness.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "prepare/backend_choice.h"
#include "prepare/prepare_context.h"
#include "prepare/readiness_sentence.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/session.h"
#include "signalbox/report/report.h"

static int set_timer(int64_t timeout_ms, struct error *error) {
    /* A timer of zero would be none at all. */
    int64_t time_ms = timeout_ms < 1 ? 1 : timeout_ms;
    struct itimerval timer = {
        .it_value = {.tv_sec = time_ms / 1000, .tv_usec = time_ms % 1000 * 1000}};
    if (setitimer(ITIMER_REAL, &timer, NULL) == 0) {
        return 0;
    }
    error_set(error, EXIT_STATUS_SYSTEM, "the kernel gives no timer");
    return -1;
}

static int explain_end(const struct prepare_request *request, const struct target *target,
    int signal, struct error *error) {
    AUTO_TEXT struct text description = {.data = NULL};
    if (signal != SIGALRM) {
        error_set(error, EXIT_STATUS_SIGNAL_BASE + signal, "%s while asking", signal_name(signal));
        return -1;
    }
    if (target->database != NULL) {
        database_describe(target->database, &description);
    }
    error_set(error, EXIT_STATUS_UNAVAILABLE, "%s: no answer within %s (--connect-timeout)",
        text_string(&description), duration_describe(request->connect_timeout_ms).string);
    return -1;
}

static enum coordination ask(const struct coordinator *coordinator, const struct target *target,
    struct standing *standing, struct error *error) {
    struct history *history = &standing->history;
    struct look look;
    AUTO_TEXT struct text why = {.data = NULL};
    enum coordination result = coordinator->operations->history(coordinator->self, history, error);
    if (result != COORDINATION_DONE) {
        return result;
    }
    standing->is_known = true;
    if (history->absent[0] != '\0') {
        text_append_string(&why, history->absent);
    } else if (!target->has_fingerprint) {
        target_explain_no_fingerprint(target, &why);
    } else {
        result = coordinator->operations->look(coordinator->self, &look, error);
        if (result != COORDINATION_DONE) {
            return result;
        }
        standing->is_prepared =
            verdict_make(&look, !target->migrates_only, history->lock.is_held, &why);
    }
    (void)snprintf(standing->why, sizeof standing->why, "%s", text_string(&why));
    return result;
}

static int find(const struct prepare_request *request, struct preparation *preparation,
    struct standing *standing, struct error *error) {
    struct target *target = &preparation->target;
    struct attention attention = cancellation_attention(&preparation->cancellation);
    struct coordinators coordinators;
    if (target->has_fingerprint) {
        (void)snprintf(
            standing->fingerprint, sizeof standing->fingerprint, "%s", target->fingerprint);
        report_set_fingerprint(target->fingerprint);
    }
    if (target->database != NULL) {
        database_describe(target->database, &standing->database);
    }
    if (set_timer(request->connect_timeout_ms, error) != 0) {
        return -1;
    }
    preparation->cancellation.heeds_alarm = true;
    session_find_certificates();
    struct coordinator coordinator = coordinator_choose(request, target, &attention, &coordinators);
    enum coordination result = ask(&coordinator, target, standing, error);
    coordinator.operations->disconnect(coordinator.self);
    switch (result) {
    case COORDINATION_DONE:
        return 0;
    case COORDINATION_CANCELLED:
        return explain_end(request, target, preparation->cancellation.signal, error);
    case COORDINATION_GONE:
    case COORDINATION_CROWDED:
        error_add_context(error, "%s: it stopped answering", text_string(&standing->database));
        error->exit_status = EXIT_STATUS_UNAVAILABLE;
        break;
    case COORDINATION_HELD:
    case COORDINATION_ELSEWHERE:
    case COORDINATION_REFUSED:
        break;
    }
    return -1;
}

int standing_find(
    const struct prepare_request *request, struct standing *standing, struct error *error) {
    struct preparation preparation;
    *standing = (struct standing){.is_prepared = false};
    int result = preparation_make(request, &preparation, error);
    if (result == 0) {
        result = find(request, &preparation, standing, error);
    } else if (preparation.cancellation.signal != 0) {
        result = explain_end(request, &preparation.target, preparation.cancellation.signal, error);
    }
    if (result != 0) {
        (void)snprintf(standing->why, sizeof standing->why, "%s", error->text);
    }
    preparation_release(&preparation);
    return result;
}

void standing_release(struct standing *standing) {
    text_release(&standing->database);
}
