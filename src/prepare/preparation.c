/*
 * The beginning that preparing and --status have in common. The trap is the preparer's own
 * environment, which it changes for libpq's sake: what the steps get is copied before.
 */
#include "prepare/preparation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/process/ending.h"
#include "signalbox/process/signals.h"

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
    if (target->unclear[0] == '\0') {
        return 0;
    }
    copy_environment(&request->target, &environment);
    question.environment = environment.items;
    return target_ask_rails(target, &question, error);
}

static void learn_secrets(const struct prepare_request *request, struct preparation *preparation) {
    const struct databases *databases = &preparation->target.databases;
    struct secret_values *secrets = &preparation->secrets;
    secret_values_learn_environment(secrets, preparation->environment.items);
    secret_values_learn_environment(secrets, request->target.environment_changes->items);
    for (size_t i = 0; i < request->commands->count; i++) {
        secret_values_learn_environment(secrets, request->commands->items[i].assignments.items);
        secret_values_learn_environment(secrets, request->commands->items[i].argv.items);
    }
    for (size_t i = 0; i < databases->count; i++) {
        secret_values_learn(secrets, databases->items[i].password);
    }
}

int preparation_make(
    const struct prepare_request *request, struct preparation *preparation, struct error *error) {
    *preparation = (struct preparation){.cancellation = {.signal_fd = signals_open(error)}};
    if (preparation->cancellation.signal_fd < 0) {
        return -1;
    }
    (void)subreaper_set(true);
    copy_environment(&request->target, &preparation->environment);
    if (target_make(&request->target, &preparation->target, error) != 0 ||
        complete_target(request, &preparation->target, &preparation->cancellation, error) != 0) {
        return -1;
    }
    learn_secrets(request, preparation);
    return 0;
}

void preparation_release(struct preparation *preparation) {
    target_release(&preparation->target);
    string_list_release(&preparation->environment);
    secret_values_release(&preparation->secrets);
    if (preparation->cancellation.signal_fd >= 0) {
        (void)close(preparation->cancellation.signal_fd);
    }
}
