/*
 * The story: read the options, recognise the command, plan, prepare in a child, start the command.
 * Every other file is a room that this one hands what it needs.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"
#include "signalbox/explain.h"
#include "signalbox/options.h"
#include "signalbox/plan.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/release.h"
#include "signalbox/report/report.h"
#include "signalbox/supervise/supervise.h"

static int print_help(void) {
    AUTO_TEXT struct text help = {.data = NULL};
    options_help(&help);
    return fputs(text_string(&help), stdout) == EOF || fflush(stdout) == EOF ? EXIT_STATUS_SYSTEM
                                                                            : EXIT_STATUS_SUCCESS;
}

static int print_version(void) {
    return puts("signalbox " SIGNALBOX_VERSION) == EOF || fflush(stdout) == EOF
        ? EXIT_STATUS_SYSTEM
        : EXIT_STATUS_SUCCESS;
}

static int run_in_child(
    struct supervisor *supervisor, int (*function)(void *), void *argument, struct phase_end *end) {
    struct error error;
    if (supervisor_run_function(supervisor, function, argument, end, &error) != 0) {
        report(EVENT_PREPARE_FAILED, NULL, "%s", error.text);
        return error.exit_status;
    }
    return end->cancelled_by == 0 || end->exit_status != EXIT_STATUS_SUCCESS
        ? end->exit_status
        : EXIT_STATUS_SIGNAL_BASE + end->cancelled_by;
}

static int start_command(struct supervisor *supervisor, const struct plan *plan,
    char *const command[]) {
    struct error error;
    int exit_status = EXIT_STATUS_SYSTEM;
    switch (plan->start) {
    case START_REPLACING:
        return supervisor_become(supervisor, command);
    case START_SUPERVISED:
        if (supervisor_run_program(supervisor, command, &exit_status, &error) != 0) {
            report(EVENT_COMMAND_NOT_STARTED, NULL, "%s", error.text);
            return error.exit_status;
        }
        return exit_status;
    }
    return exit_status;
}

static int carry_out(struct supervisor *supervisor, const struct options *options) {
    AUTO_RECOGNITION struct recognition command;
    struct recognition_request recognition = {
        .argv = options->command, .steps = &options->steps, .environment = environ};
    command_recognise(&recognition, &command);
    bool names_environment = strcmp(command.environment_source, "the command") == 0;
    struct facts facts = {.is_init = supervisor->is_init};
    struct plan plan = plan_make(options, &command, &facts);
    struct phase_end end;
    struct prepare_request prepare = {
        .target = {.database_url = options->database_url,
            .database_url_source = options_source(options, "--database-url"),
            .steps = &options->steps,
            .named_environment = names_environment ? command.environment : NULL,
            .release = options->release,
            .lock_key = options->lock_key},
        .release_label = release_label(options->release),
        .connect_timeout_ms = options->connect_timeout_ms,
        .wait_timeout_ms = options->wait_timeout_ms,
        .grace_ms = options->grace_ms,
        .inheritance = &supervisor->inheritance,
    };
    if (options->request == REQUEST_EXPLAIN) {
        struct explanation explanation = {
            .options = options, .command = &command, .plan = &plan, .target = &prepare.target};
        return run_in_child(supervisor, explain_run, &explanation, &end);
    }
    if (command.kind == COMMAND_NONE) {
        report(EVENT_USAGE, NULL,
            "there is no command to run: add CMD [\"./bin/thrust\", \"./bin/rails\", \"server\"] "
            "to the Dockerfile, or give one (signalbox --help)");
        return EXIT_STATUS_USAGE;
    }
    report(EVENT_COMMAND_RECOGNISED, NULL, "command taken for: %s (%s); %s: %s",
        command_kind_name(command.kind), command.rule,
        plan.prepare ? "preparing" : "starting at once", plan.why);
    if (plan.prepare) {
        int exit_status = run_in_child(supervisor, prepare_run, &prepare, &end);
        if (exit_status != EXIT_STATUS_SUCCESS) {
            return exit_status;
        }
    }
    return start_command(supervisor, &plan, options->command);
}

int main(int argc, char *argv[]) {
    struct supervisor supervisor;
    struct options options;
    struct error error;
    int exit_status = EXIT_STATUS_USAGE;
    (void)argc;
    if (supervisor_open(&supervisor, &error) != 0 ||
        options_read(argv, environ, &options, &error) != 0) {
        report(EVENT_USAGE, NULL, "%s", error.text);
        return error.exit_status;
    }
    supervisor_set_grace(&supervisor, options.grace_ms);
    report_configure(options.log, options.log_level, release_label(options.release));
    for (size_t i = 0; i < options.unknown_variables.count; i++) {
        report(EVENT_VARIABLE_UNKNOWN, NULL, "%s", options.unknown_variables.items[i]);
    }
    switch (options.request) {
    case REQUEST_HELP:
        exit_status = print_help();
        break;
    case REQUEST_VERSION:
        exit_status = print_version();
        break;
    case REQUEST_EXPLAIN:
    case REQUEST_RUN:
        exit_status = carry_out(&supervisor, &options);
        break;
    }
    options_release(&options);
    return exit_status;
}
