/*
 * The preparer's frame: its ear for signals, the environment of the steps, the target, and then the
 * flight. The trap is its own environment, which it changes for libpq's sake: what the steps get is
 * copied before.
 */
#include "signalbox/prepare/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "prepare/cancellation.h"
#include "prepare/pilot.h"
#include "prepare/postgres_coordinator.h"
#include "signalbox/base/text.h"
#include "signalbox/process/ending.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

enum { RAILS_ANSWER_MS = 120000 };

/* The steps see what the container gave us, with the environment's name that the command has; what
 * the preparer sets for itself alone is not among it. A name that nobody gave is left to Rails: a
 * secrets tool around the step may know better. */
static void copy_environment(const struct target_request *target, struct string_list *copy) {
    bool is_named = strcmp(target->environment_source, "default") != 0;
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (!is_named || !string_has_prefix(environ[i], "RAILS_ENV=")) {
            string_list_append(copy, environ[i]);
        }
    }
    if (is_named) {
        AUTO_TEXT struct text name = {.data = NULL};
        text_append_format(&name, "RAILS_ENV=%s", target->environment);
        string_list_append(copy, text_string(&name));
    }
}

static void report_target(const struct target *target) {
    if (target->has_fingerprint) {
        report_set_fingerprint(target->fingerprint);
        return;
    }
    report(EVENT_NO_FINGERPRINT, NULL,
        "the Rails environment is %s (%s): every replica runs the steps in its turn",
        target->environment, target->environment_source);
}

/* What is not known without Rails is asked now, while a signal is still heeded. */
static int complete_target(const struct prepare_request *request, struct target *target,
    struct cancellation *cancellation, struct error *error) {
    /* By now with what the command's own wrappers change, since none is put before the asking. */
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct attention attention = cancellation_attention(cancellation);
    struct rails_question question = {
        .directory = request->target.directory,
        .inheritance = request->inheritance,
        .attention = &attention,
        .timeout_ms = RAILS_ANSWER_MS,
    };
    if (target->database != NULL) {
        return 0;
    }
    copy_environment(&request->target, &environment);
    question.environment = environment.items;
    return target_ask_rails(target, &question, error);
}

static int give_up(const struct cancellation *cancellation, const struct error *error) {
    if (cancellation->signal != 0) {
        report(EVENT_CANCELLED, NULL, "%s while asking Rails: the server is not started",
            signal_name(cancellation->signal));
        return EXIT_STATUS_SIGNAL_BASE + cancellation->signal;
    }
    report(EVENT_CONFIGURATION, NULL, "%s: the server is not started", error->text);
    return error->exit_status;
}

int prepare_run(void *argument) {
    const struct prepare_request *request = argument;
    struct error error;
    struct target target;
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct cancellation cancellation = {.signal_fd = signals_open(&error)};
    if (cancellation.signal_fd < 0) {
        report(EVENT_PREPARE_FAILED, NULL, "%s", error.text);
        return error.exit_status;
    }
    (void)subreaper_set(true);
    copy_environment(&request->target, &environment);
    bool is_complete = target_make(&request->target, &target, &error) == 0 &&
        complete_target(request, &target, &cancellation, &error) == 0;
    if (!is_complete) {
        target_release(&target);
        return give_up(&cancellation, &error);
    }
    if (request->purpose == PREPARE_UNRECORDED) {
        target_run_instead(&target, request->commands);
    }
    if (request->purpose == PREPARE_BY_OTHERS) {
        target.missing_database = MISSING_IS_AWAITED;
    }
    session_find_certificates();
    report_target(&target);

    struct attention attention = cancellation_attention(&cancellation);
    struct postgres_coordinator postgres;
    postgres_coordinator_initialise(
        &postgres, &target, &attention, request->connect_timeout_ms, request->release_label);
    struct flight flight = {
        .request = request,
        .target = &target,
        .coordinator = postgres_coordinator_interface(&postgres),
        .cancellation = &cancellation,
        .environment = environment.items,
    };
    int exit_status = flight_fly(&flight);
    target_release(&target);
    (void)close(cancellation.signal_fd);
    return exit_status;
}
