/*
 * The beginning that preparing and --status have in common. The preparer changes its own
 * environment for libpq, so the environment of the steps is copied before that.
 */
#include "prepare/prepare_context.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prepare/lock_timeout.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/signals.h"

enum { RAILS_ANSWER_MS = 120000 };

/* The steps see what the container gave us, with the environment's name that the command has; what
 * the preparer sets for itself alone is not among it. A name that was not given is left to Rails: a
 * secrets tool around the step may know better. */
void prepare_context_copy_environment(
    const struct target_request *target, bool is_wrapper_asked, struct string_list *copy) {
    bool is_named = !is_wrapper_asked && target->environment_source != ENVIRONMENT_DEFAULT;
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

/* For the steps, as they are found or as the container has them. */
static void make_environment(
    const struct target_request *target, bool is_as_given, struct string_list *environment) {
    string_list_release(environment);
    prepare_context_copy_environment(target, is_as_given, environment);
    lock_timeout_put(target, environment);
}

/* What is not known without Rails is asked now, while a signal is still heeded. */
static int complete_target(const struct prepare_request *request,
    const struct target_request *asked, struct target *target, struct stop_request *stop_request,
    struct error *error) {
    /* By now with what the command's own wrappers change, since none is put before the asking. */
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct interrupt interrupt = stop_request_interrupt(stop_request);
    struct rails_question question = {
        .directory = asked->directory,
        .inheritance = request->inheritance,
        .interrupt = &interrupt,
        .timeout_ms = RAILS_ANSWER_MS,
    };
    if (target->needs_rails_why[0] == '\0') {
        return 0;
    }
    prepare_context_copy_environment(asked, false, &environment);
    question.environment = environment.items;
    return target_ask_rails(target, &question, error);
}

/* What the program is run behind and in, as a step is. Where the wrapper has been asked, its
 * environment is there already, and to run it for each connection would only take time. */
static void complete_password_command(
    const struct prepare_request *request, struct prepare_context *prepare_context) {
    struct password_command *command = request->target.password_command;
    const struct wrapper_environment *asked = &prepare_context->asked;
    if (command == NULL) {
        return;
    }
    command->signals = request->inheritance;
    command->secrets = &prepare_context->secrets;
    command->environment = prepare_context->environment.items;
    command->around = request->command;
    if (asked->is_answered) {
        command->environment = asked->answer.environment.items;
        command->around = NULL;
    } else if (asked->command.environment != NULL) {
        command->around = &asked->command;
    }
}

static void learn_secrets(
    const struct prepare_request *request, struct prepare_context *prepare_context) {
    const struct databases *databases = &prepare_context->target.databases;
    struct secret_values *secrets = &prepare_context->secrets;
    secret_values_learn_environment(secrets, prepare_context->environment.items);
    secret_values_learn_environment(secrets, request->target.environment_changes->items);
    for (size_t i = 0; i < prepare_context->commands->count; i++) {
        const struct step *step = &prepare_context->commands->items[i];
        secret_values_learn_environment(secrets, step->assignments.items);
        secret_values_learn_environment(secrets, step->argv.items);
    }
    wrapper_environment_learn_secrets(
        &prepare_context->asked, prepare_context->environment.items, secrets);
    for (size_t i = 0; i < databases->count; i++) {
        secret_values_learn(secrets, databases->items[i].password);
    }
}

int prepare_context_make(const struct prepare_request *request,
    struct prepare_context *prepare_context, struct error *error) {
    *prepare_context = (struct prepare_context){.stop_request = {.signal_fd = signals_open(error)}};
    if (prepare_context->stop_request.signal_fd < 0) {
        return -1;
    }
    (void)reap_set_subreaper(true);
    const char *options = getenv("PGOPTIONS");
    prepare_context->commands = request->commands;
    if (target_hangs_on_asking(&request->target)) {
        /* The wrapper finds what the command would find, without our knowledge of its name. */
        make_environment(&request->target, true, &prepare_context->environment);
        if (wrapper_environment_ask(request, prepare_context->environment.items,
                &prepare_context->stop_request, &prepare_context->asked, error) != 0) {
            return -1;
        }
        prepare_context->commands = wrapper_environment_commands(&prepare_context->asked, request);
        if (!prepare_context->asked.is_answered) {
            make_environment(&request->target, false, &prepare_context->environment);
        }
    } else {
        make_environment(&request->target, false, &prepare_context->environment);
        prepare_context->asked.target = request->target;
    }
    struct target_request *target = &prepare_context->asked.target;
    prepare_context->step_options =
        lock_timeout_find(target, &prepare_context->environment, options,
            prepare_context->asked.is_answered ? &prepare_context->asked.answer.environment : NULL);
    if (target_make(target, &prepare_context->target, error) != 0 ||
        complete_target(request, target, &prepare_context->target, &prepare_context->stop_request,
            error) != 0) {
        return -1;
    }
    complete_password_command(request, prepare_context);
    learn_secrets(request, prepare_context);
    return 0;
}

void prepare_context_release(struct prepare_context *prepare_context) {
    target_release(&prepare_context->target);
    string_list_release(&prepare_context->environment);
    free(prepare_context->step_options);
    wrapper_environment_release(&prepare_context->asked);
    secret_values_release(&prepare_context->secrets);
    if (prepare_context->stop_request.signal_fd >= 0) {
        (void)close(prepare_context->stop_request.signal_fd);
    }
}
