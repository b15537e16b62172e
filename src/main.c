/*
 * The story: read the options, recognise the command, plan, prepare in a child, start the command.
 * Every other file is a room that this one hands what it needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/cli/explain.h"
#include "signalbox/cli/options.h"
#include "signalbox/cli/plan.h"
#include "signalbox/cli/status.h"
#include "signalbox/command/recognise.h"
#include "signalbox/command/reply.h"
#include "signalbox/prepare/hook.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/process/identity.h"
#include "signalbox/rails/jemalloc.h"
#include "signalbox/rails/pid_file.h"
#include "signalbox/rails/release.h"
#include "signalbox/report/report.h"
#include "signalbox/supervise/supervisor.h"

static int print_help(void) {
    AUTO_TEXT struct text help = {.data = NULL};
    option_help(&help);
    return fputs(text_string(&help), stdout) == EOF || fflush(stdout) == EOF ? EXIT_STATUS_SYSTEM
                                                                             : EXIT_STATUS_SUCCESS;
}

static int print_version(void) {
    return puts("signalbox " SIGNALBOX_VERSION SIGNALBOX_CONTENTS) == EOF || fflush(stdout) == EOF
        ? EXIT_STATUS_SYSTEM
        : EXIT_STATUS_SUCCESS;
}

static int run_in_child(
    struct supervisor *supervisor, int (*function)(void *), void *argument, struct phase_end *end) {
    struct error error;
    if (supervisor_run_function(supervisor, "preparer", function, argument, end, &error) != 0) {
        report(EVENT_PREPARE_FAILED, NULL, "%s", error.text);
        return error.exit_status;
    }
    return end->cancelled_by == 0 || end->exit_status != EXIT_STATUS_SUCCESS
        ? end->exit_status
        : EXIT_STATUS_SIGNAL_BASE + end->cancelled_by;
}

static int start_command(
    struct supervisor *supervisor, const struct plan *plan, char *const command[]) {
    struct error error;
    int exit_status = EXIT_STATUS_SYSTEM;
    switch (plan->start) {
    case START_NOTHING:
        return EXIT_STATUS_SUCCESS;
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

/* What the command needs around it, whether this replica prepared or another. */
static void make_ready(const struct options *options, const struct recognition *command) {
    if (options->jemalloc && !jemalloc_preload()) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "--jemalloc: no libjemalloc.so.2 in this image; add the package libjemalloc2");
    }
    if (command->kind != COMMAND_SERVER) {
        return;
    }
    AUTO_FREE char *path =
        pid_file_path(command->server.items, getenv("PIDFILE"), command->around.directory);
    if (path != NULL && pid_file_remove_stale(path)) {
        report(EVENT_PID_FILE_REMOVED, NULL,
            "removed the pid file %s of a server that no longer runs", path);
    }
    if (command->around.is_prefix_partial) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "the steps run without a part of what the command sets up for itself, because only a "
            "shell can tell what that part does");
    }
    if (command->around.left_out != NULL) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "in the shell string `%s` runs before the server, but it does not run before the "
            "steps: if they need it, make it a step of its own (SIGNALBOX_STEPS), or run it in an "
            "ENTRYPOINT that ends in exec signalbox \"$@\"",
            command->around.left_out);
    }
}

/* What preparing runs: the command itself where that is the step, otherwise the steps as the
 * command would run them. */
static void compose_steps(const struct options *options, const struct recognition *command,
    const struct plan *plan, struct step_list *steps) {
    if (plan->prepare == PREPARE_TYPED || plan->prepare == PREPARE_UNRECORDED) {
        step_list_append_command(steps, options->command, command->word);
        return;
    }
    recognise_wrap_steps(
        command, &options->steps, command->environment, command->environment_source, steps);
}

/* A probe asks again, so it does not need the patience of a boot. */
static int ask_status(
    struct supervisor *supervisor, const struct options *options, struct prepare_request *prepare) {
    enum { ASKING_TIMEOUT_MS = 5000 };
    struct phase_end end;
    struct status_request status = {.prepare = prepare, .format = options->log};
    if (options_is_default(options, "--connect-timeout")) {
        prepare->connect_timeout_ms = ASKING_TIMEOUT_MS;
    }
    return run_in_child(supervisor, status_run, &status, &end);
}

/* Nothing comes after it, so it is waited for, no longer than a container that ends may take. */
static void run_hook(struct supervisor *supervisor, struct hook_request *hook) {
    struct phase_end end;
    struct error error;
    hook->stop_at_ms = supervisor_stop_at_ms(supervisor);
    if (supervisor_run_function(supervisor, "hook", hook_run, hook, &end, &error) != 0) {
        report(EVENT_HOOK_FAILED, NULL, "--on-finish: %s", error.text);
    }
}

/* The hook is in nobody's way: beside the command where one starts. */
static int prepare_and_start(struct supervisor *supervisor, const struct options *options,
    const struct plan *plan, struct prepare_request *prepare) {
    struct phase_end end;
    struct hook_outcome *outcome = options->on_finish.count == 0 || plan->prepare == PREPARE_NOTHING
        ? NULL
        : hook_outcome_share();
    struct hook_request hook = {
        .prepare = prepare,
        .words = &options->on_finish,
        .outcome = outcome,
        .timeout_ms = HOOK_TIMEOUT_MS,
        .stop_at_ms = supervisor_stop_at_ms(supervisor),
    };
    int exit_status = EXIT_STATUS_SUCCESS;
    prepare->hook_outcome = outcome;
    if (plan->prepare != PREPARE_NOTHING) {
        exit_status = run_in_child(supervisor, prepare_run, prepare, &end);
    }
    if (outcome != NULL && outcome->is_due) {
        hook.release_source =
            options->release == NULL ? release_variable() : options_source(options, "--release");
        supervisor_set_beside(supervisor, hook_run, &hook);
    }
    if (exit_status == EXIT_STATUS_SUCCESS) {
        exit_status = start_command(supervisor, plan, options->command);
    }
    if (supervisor_takes_back(supervisor)) {
        run_hook(supervisor, &hook);
    }
    hook_outcome_release(outcome);
    return exit_status;
}

static int carry_out_plan(struct supervisor *supervisor, const struct options *options,
    const struct recognition *command, const struct plan *plan, const struct error *refusal) {
    AUTO_STEP_LIST struct step_list steps = {.items = NULL};
    struct phase_end end;
    compose_steps(options, command, plan, &steps);
    struct password_command password_command = {.words = &options->password_command};
    struct prepare_request prepare = {
        .purpose = plan->prepare,
        .target = {.directory = command->around.directory == NULL ? "." : command->around.directory,
            .database_url = options->database_url,
            .database_url_source = options_source(options, "--database-url"),
            .password_command = options->password_command.count == 0 ? NULL : &password_command,
            .steps = &options->steps,
            .environment = command->environment,
            .environment_source = command->environment_source,
            .environment_changes = &command->around.changes,
            .clears_environment = command->around.clears_environment,
            .unasked = command->around.asked,
            .release = options->release,
            .lock = &options->lock,
            .watch = &options->watch,
            .lock_key = options->lock_key,
            .allow_schema_load = options->allow_schema_load,
            .has_lock_timeout = options->lock_timeout_ms != DURATION_NONE,
            .lock_timeout_ms =
                options->lock_timeout_ms == DURATION_NONE ? 0 : options->lock_timeout_ms},
        .command = command,
        .commands = &steps,
        .step_timeout_ms = options->step_timeout_ms,
        .step_retries = (int)options->step_retries,
        .release_label = plan->prepare == PREPARE_NOTHING ? NULL : release_label(options->release),
        .connect_timeout_ms = options->connect_timeout_ms,
        .wait_timeout_ms = options->wait_timeout_ms,
        .grace_ms = options->grace_ms,
        .inheritance = &supervisor->inheritance,
    };
    if (options->request == REQUEST_EXPLAIN) {
        struct explanation explanation = {.options = options,
            .command = command,
            .plan = plan,
            .target = &prepare.target,
            .commands = prepare.commands,
            .refusal = refusal};
        return run_in_child(supervisor, explain_run, &explanation, &end);
    }
    if (options->request == REQUEST_STATUS) {
        return ask_status(supervisor, options, &prepare);
    }
    if (plan->prepare == PREPARE_NOTHING && plan->start == START_NOTHING) {
        report(EVENT_USAGE, NULL,
            "there is no command to run: add CMD [\"./bin/thrust\", \"./bin/rails\", \"server\"] "
            "to the Dockerfile, or give one (signalbox --help)");
        return EXIT_STATUS_USAGE;
    }
    report(EVENT_COMMAND_RECOGNISED, NULL, "recognised the command as: %s (%s); %s",
        recognise_kind_name(command->kind), command->rule, plan->why);
    if (plan->notes != NULL) {
        report(EVENT_CONFIGURATION_NOTE, NULL, "%s", plan->notes);
    }
    AUTO_STRING_LIST struct string_list notes = {.items = NULL};
    plan_add_notes(command, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        report(EVENT_CONFIGURATION_NOTE, NULL, "%s", notes.items[i]);
    }
    make_ready(options, command);
    return prepare_and_start(supervisor, options, plan, &prepare);
}

/* Before anything else, so that the preparer and the steps are what the command will be. */
static int take_identity(const struct options *options, struct text *became, struct error *error) {
    const struct identity_request request = {
        .user = options->user,
        .user_source = options_source(options, "--user"),
        .caps = options->caps,
        .caps_source = options_source(options, "--caps"),
    };
    return identity_take(&request, became, error);
}

/* Where it is not asked, it is not known either whether it runs what follows. */
static void leave_unknown(
    const struct options *options, const struct plan *plan, struct context *around) {
    const struct target_request target = {.unasked = around->asked,
        .database_url = options->database_url,
        .lock = &options->lock,
        .has_lock_timeout = options->lock_timeout_ms != DURATION_NONE};
    struct context known;
    if (around->unknown == NULL || target_hangs_on_asking(&target)) {
        return;
    }
    if (options->request == REQUEST_RUN && plan->prepare == PREPARE_IF_DUE) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "the steps run without %.100s, because Signalbox does not know this wrapper: if they "
            "need it, put it before signalbox (its last line: exec signalbox \"$@\")",
            around->unknown);
    }
    context_copy_known(around, &known);
    context_release(around);
    *around = known;
}

static int plan_and_carry_out(struct supervisor *supervisor, const struct options *options,
    const struct text *became, const struct error *refusal) {
    AUTO_RECOGNITION struct recognition command;
    const struct recognition_request request = {
        .argv = options->command,
        .servers = &options->servers,
        .steps = &options->steps,
        .environment = environ,
    };
    recognise_command(&request, &command);
    const struct facts facts = {
        .is_init = supervisor->is_init,
        .has_terminal = isatty(STDIN_FILENO) == 1,
    };
    struct plan plan = plan_make(options, &command, &facts);
    if (plan.is_quiet) {
        report_quieten();
    }
    if (became->length > 0 && options->request == REQUEST_RUN) {
        report(EVENT_IDENTITY_TAKEN, NULL, "%s", text_string(became));
    }
    leave_unknown(options, &plan, &command.around);
    return carry_out_plan(supervisor, options, &command, &plan, refusal);
}

static int carry_out(struct supervisor *supervisor, const struct options *options) {
    AUTO_TEXT struct text became = {.data = NULL};
    struct error error;
    bool is_refused = take_identity(options, &became, &error) != 0;
    if (is_refused && options->request != REQUEST_EXPLAIN) {
        report(EVENT_IDENTITY_REFUSED, NULL, "%s", error.text);
        return error.exit_status;
    }
    return plan_and_carry_out(supervisor, options, &became, is_refused ? &error : NULL);
}

static void configure(struct supervisor *supervisor, const struct options *options) {
    supervisor_set_grace(supervisor, options->grace_ms);
    for (size_t i = 0; i < options->rewrites.count; i++) {
        supervisor_rewrite_signal(
            supervisor, options->rewrites.items[i].from, options->rewrites.items[i].to);
    }
    if (options->signal_group) {
        supervisor_signal_group(supervisor);
    }
    for (size_t i = 0; i < options->ok_exits.count; i++) {
        supervisor_accept_exit(supervisor, options->ok_exits.items[i]);
    }
    /* Only the events' fields have it, and to look through the environment costs a start. */
    report_configure(options->log, options->log_level,
        options->log == REPORT_JSON ? release_label(options->release) : NULL);
}

int main(int argc, char *argv[]) {
    if (reply_is_wanted(argv)) {
        return reply_send(argv);
    }
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
    configure(&supervisor, &options);
    switch (options.request) {
    case REQUEST_HELP:
        exit_status = print_help();
        break;
    case REQUEST_VERSION:
        exit_status = print_version();
        break;
    case REQUEST_RUN:
        for (size_t i = 0; i < options.unknown_variables.count; i++) {
            report(EVENT_VARIABLE_UNKNOWN, NULL, "%s", options.unknown_variables.items[i]);
        }
        exit_status = supervisor_exit_status(&supervisor, carry_out(&supervisor, &options));
        break;
    case REQUEST_EXPLAIN:
    case REQUEST_STATUS:
        exit_status = carry_out(&supervisor, &options);
        break;
    }
    options_release(&options);
    supervisor_close(&supervisor);
    return exit_status;
}
