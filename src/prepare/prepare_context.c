/*
 * The beginning that preparing and --status have in common. The trap is the preparer's own
 * environment, which it changes for libpq's sake: what the steps get is copied before.
 */
#include "prepare/prepare_context.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/signals.h"

enum { RAILS_ANSWER_MS = 120000 };

static void copy_list(char *const *from, struct string_list *to) {
    for (; *from != NULL; from++) {
        string_list_append(to, *from);
    }
}

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
static int complete_target(const struct prepare_request *request,
    const struct target_request *asked, struct target *target, struct cancellation *cancellation,
    struct error *error) {
    /* By now with what the command's own wrappers change, since none is put before the asking. */
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct attention attention = cancellation_attention(cancellation);
    struct rails_question question = {
        .directory = asked->directory,
        .inheritance = request->inheritance,
        .attention = &attention,
        .timeout_ms = RAILS_ANSWER_MS,
    };
    if (target->unclear[0] == '\0') {
        return 0;
    }
    copy_environment(asked, &environment);
    question.environment = environment.items;
    return target_ask_rails(target, &question, error);
}

static void learn_secrets(const struct prepare_request *request, struct preparation *preparation) {
    const struct databases *databases = &preparation->target.databases;
    struct secret_values *secrets = &preparation->secrets;
    secret_values_learn_environment(secrets, preparation->environment.items);
    secret_values_learn_environment(secrets, request->target.environment_changes->items);
    for (size_t i = 0; i < preparation->commands->count; i++) {
        const struct step *step = &preparation->commands->items[i];
        secret_values_learn_environment(secrets, step->assignments.items);
        secret_values_learn_environment(secrets, step->argv.items);
    }
    asked_learn_secrets(&preparation->asked, preparation->environment.items, secrets);
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
    preparation->commands = request->commands;
    if (target_hangs_on_asking(&request->target)) {
        /* The wrapper finds what the command would find, without our knowledge of its name. */
        copy_list(environ, &preparation->environment);
        if (asked_ask(request, preparation->environment.items, &preparation->cancellation,
                &preparation->asked, error) != 0) {
            return -1;
        }
        preparation->commands = asked_commands(&preparation->asked, request);
        if (!preparation->asked.is_answered) {
            string_list_release(&preparation->environment);
            copy_environment(&request->target, &preparation->environment);
        }
    } else {
        copy_environment(&request->target, &preparation->environment);
        preparation->asked.target = request->target;
    }
    const struct target_request *target = &preparation->asked.target;
    if (target_make(target, &preparation->target, error) != 0 ||
        complete_target(request, target, &preparation->target, &preparation->cancellation, error) !=
            0) {
        return -1;
    }
    learn_secrets(request, preparation);
    return 0;
}

void preparation_release(struct preparation *preparation) {
    target_release(&preparation->target);
    string_list_release(&preparation->environment);
    asked_release(&preparation->asked);
    secret_values_release(&preparation->secrets);
    if (preparation->cancellation.signal_fd >= 0) {
        (void)close(preparation->cancellation.signal_fd);
    }
}
