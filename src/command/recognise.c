/*
 * Recognition as its callers see it: from argv to words, the walk over them, and the name of the
 * environment. It owns what it returns. `puma -e` sets only RACK_ENV, which Rails reads only where
 * RAILS_ENV is not set or empty.
 */
#include "signalbox/command/recognise.h"

#include <stdio.h>
#include <string.h>

#include "command/context.h"
#include "command/rake_task.h"
#include "command/resolve.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum { EFFORT = 20000 };

static const char *variable(
    const struct context *around, char *const environment[], const char *name) {
    const char *value = context_variable(around, environment, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* The command where it assigns the variable itself. */
static enum environment_source variable_source(
    const struct context *around, const char *name, enum environment_source otherwise) {
    return context_variable(around, NULL, name) != NULL ? ENVIRONMENT_OF_COMMAND : otherwise;
}

static void find_environment(const struct recognition *recognition, const struct context *around,
    char *const environment[], const char **name, enum environment_source *source) {
    const char *rails = variable(around, environment, "RAILS_ENV");
    const char *rack = variable(around, environment, "RACK_ENV");
    *name = "development";
    *source = ENVIRONMENT_DEFAULT;
    if (recognition->named_environment != NULL && (recognition->names_rails_env || rails == NULL)) {
        *name = recognition->named_environment;
        *source = ENVIRONMENT_OF_COMMAND;
    } else if (rails != NULL) {
        *name = rails;
        *source = variable_source(around, "RAILS_ENV", ENVIRONMENT_OF_RAILS_ENV);
    } else if (rack != NULL) {
        *name = rack;
        *source = variable_source(around, "RACK_ENV", ENVIRONMENT_OF_RACK_ENV);
    }
}

void recognise_environment_in(const struct recognition *recognition, char *const environment[],
    const char **name, enum environment_source *source) {
    const struct context nothing = {.directory = NULL};
    find_environment(recognition, &nothing, environment, name, source);
}

void recognise_wrap_steps(const struct recognition *recognition, const struct step_list *steps,
    const char *environment, enum environment_source source, struct step_list *wrapped) {
    AUTO_TEXT struct text assignment = {.data = NULL};
    text_append_format(&assignment, "RAILS_ENV=%s", environment);
    bool is_own = source == ENVIRONMENT_OF_COMMAND &&
        !string_list_has(&recognition->around.prefix, text_string(&assignment));
    step_list_append_wrapped(
        wrapped, steps, &recognition->around, is_own ? text_string(&assignment) : NULL);
}

void recognise_command(const struct recognition_request *request, struct recognition *recognition) {
    struct resolver resolver = {.request = request, .effort = EFFORT};
    struct match match = {.kind = COMMAND_NONE, .rule = "no words"};
    AUTO_SENTENCE struct word_list words = {.items = NULL};
    for (size_t i = 0; request->argv[i] != NULL; i++) {
        word_list_append(&words, &(struct word){.text = request->argv[i], .index = i});
    }
    if (words.count > 0) {
        resolve_words(&resolver, &words, 0, &match);
    }
    *recognition = (struct recognition){
        .kind = match.kind,
        .is_step = match.kind == COMMAND_PREPARE && rake_task_is_step(&resolver),
        .is_versioned = resolver.is_versioned,
        .is_manager = match.kind == COMMAND_OTHER && match.is_manager,
        .word = match.word,
        .names_rails_env = match.names_rails_env,
        .named_environment = match.environment == NULL ? NULL : string_copy(match.environment),
        .around = match.around,
    };
    (void)snprintf(recognition->rule, sizeof recognition->rule, "%s", match.rule);
    const char *name = NULL;
    find_environment(recognition, &recognition->around, request->environment, &name,
        &recognition->environment_source);
    recognition->environment = string_copy(name);
    recognition->server = resolver.server;
    resolver.server = (struct string_list){.items = NULL};
    recognition->inner_step =
        recognition->kind == COMMAND_PREPARE ? NULL : take_pointer(&resolver.inner_step);
    resolve_release(&resolver);
}

void recognise_release(struct recognition *recognition) {
    context_release(&recognition->around);
    free(recognition->environment);
    free(recognition->inner_step);
    string_list_release(&recognition->server);
    free(recognition->named_environment);
    *recognition = (struct recognition){.kind = COMMAND_NONE};
}

const char *recognise_kind_name(enum command_kind kind) {
    switch (kind) {
    case COMMAND_SERVER:
        return "server";
    case COMMAND_WORKER:
        return "worker";
    case COMMAND_PREPARE:
        return "prepare";
    case COMMAND_TASK:
        return "task";
    case COMMAND_OTHER:
        return "other";
    case COMMAND_NONE:
        return "none";
    }
    return "other";
}

const char *recognise_source_name(enum environment_source source) {
    switch (source) {
    case ENVIRONMENT_DEFAULT:
        return "default";
    case ENVIRONMENT_OF_COMMAND:
        return "the command";
    case ENVIRONMENT_OF_RAILS_ENV:
        return "RAILS_ENV";
    case ENVIRONMENT_OF_RACK_ENV:
        return "RACK_ENV";
    }
    return "default";
}
