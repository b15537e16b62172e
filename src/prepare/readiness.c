/*
 * Asks how this image's content stands. A probe asks again every few seconds, so a question must
 * not hang: one timer ends the whole of it.
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
        error_set(error, EXIT_STATUS_SIGNAL_BASE + signal, "%s while asking", signals_name(signal));
        return -1;
    }
    if (target->database != NULL) {
        database_describe(target->database, &description);
    }
    error_set(error, EXIT_STATUS_UNAVAILABLE, "%s: no answer within %s (--connect-timeout)",
        text_string(&description), duration_describe(request->connect_timeout_ms).string);
    return -1;
}

static enum observation ask(const struct backend *backend, const struct target *target,
    struct readiness *readiness, struct error *error) {
    struct history *history = &readiness->history;
    struct look look;
    AUTO_TEXT struct text why = {.data = NULL};
    enum observation result = backend->operations->history(backend->self, history, error);
    if (result != SEEN_DONE) {
        return result;
    }
    readiness->is_known = true;
    if (history->absent[0] != '\0') {
        text_append_string(&why, history->absent);
    } else if (!target->has_fingerprint) {
        target_explain_no_fingerprint(target, &why);
    } else {
        result = backend->operations->look(backend->self, &look, error);
        if (result != SEEN_DONE) {
            return result;
        }
        readiness->is_prepared =
            readiness_sentence_make(&look, !target->migrates_only, history->lock.is_held, &why);
    }
    (void)snprintf(readiness->why, sizeof readiness->why, "%s", text_string(&why));
    return result;
}

static int find(const struct prepare_request *request, struct prepare_context *prepare_context,
    struct readiness *readiness, struct error *error) {
    struct target *target = &prepare_context->target;
    struct interrupt interrupt = stop_request_interrupt(&prepare_context->stop_request);
    struct backend_choice backend_choice;
    if (target->has_fingerprint) {
        (void)snprintf(
            readiness->fingerprint, sizeof readiness->fingerprint, "%s", target->fingerprint);
        report_set_fingerprint(target->fingerprint);
    }
    if (target->database != NULL) {
        database_describe(target->database, &readiness->database);
    }
    if (set_timer(request->connect_timeout_ms, error) != 0) {
        return -1;
    }
    prepare_context->stop_request.heeds_alarm = true;
    session_find_certificates();
    struct backend backend = backend_choice_make(request, target, &interrupt, &backend_choice);
    enum observation result = ask(&backend, target, readiness, error);
    backend.operations->disconnect(backend.self);
    if (result == SEEN_DONE) {
        return 0;
    }
    if (result == SEEN_CANCELLED) {
        return explain_end(request, target, prepare_context->stop_request.signal, error);
    }
    if (result == SEEN_GONE || result == SEEN_CROWDED) {
        error_add_context(error, "%s: it stopped answering", text_string(&readiness->database));
        error->exit_status = EXIT_STATUS_UNAVAILABLE;
    }
    return -1;
}

int readiness_find(
    const struct prepare_request *request, struct readiness *readiness, struct error *error) {
    struct prepare_context prepare_context;
    *readiness = (struct readiness){.is_prepared = false};
    int result = prepare_context_make(request, &prepare_context, error);
    if (result == 0) {
        result = find(request, &prepare_context, readiness, error);
    } else if (prepare_context.stop_request.signal != 0) {
        result = explain_end(
            request, &prepare_context.target, prepare_context.stop_request.signal, error);
    }
    if (result != 0) {
        (void)snprintf(readiness->why, sizeof readiness->why, "%s", error->text);
    }
    prepare_context_release(&prepare_context);
    return result;
}

void readiness_release(struct readiness *readiness) {
    text_release(&readiness->database);
}
