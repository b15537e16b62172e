/*
 * The preparer's frame: what it begins with, and then the flight.
 */
#include "signalbox/prepare/prepare.h"

#include "prepare/backend_choice.h"
#include "prepare/prepare_context.h"
#include "prepare/protocol/protocol_run.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/session.h"
#include "signalbox/report/report.h"

static void report_target(const struct target *target) {
    if (target->has_fingerprint) {
        report_set_fingerprint(target->fingerprint);
    } else {
        AUTO_TEXT struct text reason = {.data = NULL};
        target_explain_no_fingerprint(target, &reason);
        report(EVENT_NO_FINGERPRINT, NULL, "%s", text_string(&reason));
    }
    for (size_t i = 0; i < target->warnings.count; i++) {
        report(EVENT_CONFIGURATION_NOTE, NULL, "%s", target->warnings.items[i]);
    }
}

static int give_up(const struct cancellation *cancellation, const struct error *error) {
    if (cancellation->signal != 0) {
        report(EVENT_CANCELLED, NULL, "%s while asking for the database: the server is not started",
            signal_name(cancellation->signal));
        return EXIT_STATUS_SIGNAL_BASE + cancellation->signal;
    }
    report(EVENT_CONFIGURATION, NULL, "%s: the server is not started", error->text);
    return error->exit_status;
}

static int fly(const struct prepare_request *request, struct preparation *preparation) {
    struct target *target = &preparation->target;
    if (request->purpose == PREPARE_TYPED || request->purpose == PREPARE_UNRECORDED) {
        target_run_instead(target, preparation->commands);
    }
    if (request->purpose == PREPARE_BY_OTHERS) {
        target->missing_database = MISSING_IS_AWAITED;
    }
    session_find_certificates();
    report_target(target);

    struct attention attention = cancellation_attention(&preparation->cancellation);
    struct coordinators coordinators;
    struct flight flight = {
        .request = request,
        .target = target,
        .coordinator = coordinator_choose(request, target, &attention, &coordinators),
        .cancellation = &preparation->cancellation,
        .environment = preparation->environment.items,
        .commands = preparation->commands,
        .secrets = &preparation->secrets,
    };
    return flight_fly(&flight);
}

int prepare_run(void *argument) {
    const struct prepare_request *request = argument;
    struct error error;
    struct preparation preparation;
    int exit_status = preparation_make(request, &preparation, &error) == 0
        ? fly(request, &preparation)
        : give_up(&preparation.cancellation, &error);
    preparation_release(&preparation);
    return exit_status;
}
