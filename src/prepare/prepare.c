/*
 * The preparer's frame: what it begins with, and then the protocol.
 */
#include "signalbox/prepare/prepare.h"

#include "prepare/backend_choice.h"
#include "prepare/prepare_context.h"
#include "prepare/protocol/messages.h"
#include "prepare/protocol/protocol_run.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/session.h"
#include "signalbox/prepare/hook.h"
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

static int give_up(const struct prepare_request *request, const struct stop_request *stop_request,
    const struct error *error) {
    if (stop_request->signal != 0) {
        report(EVENT_CANCELLED, NULL, "%s while asking for the database: %s",
            signals_name(stop_request->signal), messages_fate(request));
        return EXIT_STATUS_SIGNAL_BASE + stop_request->signal;
    }
    report(EVENT_CONFIGURATION, NULL, "%s: %s", error->text, messages_fate(request));
    return error->exit_status;
}

static int fly(const struct prepare_request *request, struct prepare_context *prepare_context) {
    struct target *target = &prepare_context->target;
    if (request->purpose == PREPARE_TYPED || request->purpose == PREPARE_UNRECORDED) {
        target_run_instead(target, prepare_context->commands);
    }
    if (request->purpose == PREPARE_BY_OTHERS) {
        target->missing_database = MISSING_IS_AWAITED;
    }
    if (request->hook_outcome != NULL) {
        const struct wrapper_environment *asked = &prepare_context->asked;
        request->hook_outcome->is_wrapper_answered = asked->is_answered;
        request->hook_outcome->is_unknown_left_out = asked->command.environment != NULL &&
            request->command->around.unknown != NULL && asked->command.around.unknown == NULL;
    }
    session_find_certificates();
    report_target(target);

    struct interrupt interrupt = stop_request_interrupt(&prepare_context->stop_request);
    struct backend_choice backend_choice;
    struct protocol protocol = {
        .request = request,
        .target = target,
        .backend = backend_choice_make(request, target, &interrupt, &backend_choice),
        .stop_request = &prepare_context->stop_request,
        .environment = prepare_context->environment.items,
        .commands = prepare_context->commands,
        .secrets = &prepare_context->secrets,
    };
    return protocol_run(&protocol);
}

int prepare_run(void *argument) {
    const struct prepare_request *request = argument;
    struct error error;
    struct prepare_context prepare_context;
    int exit_status = prepare_context_make(request, &prepare_context, &error) == 0
        ? fly(request, &prepare_context)
        : give_up(request, &prepare_context.stop_request, &error);
    prepare_context_release(&prepare_context);
    return exit_status;
}
