/*
 * Recognition as its callers see it: argv into words, the walk, and the environment's name from
 * what was learned. It owns what it returns. The trap is RACK_ENV: `puma -e` sets only that, and
 * Rails reads it only where RAILS_ENV is not set or empty.
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
    const struct surroundings *around, char *const environment[], const char *name) {
    const char *value = surroundings_variable(around, environment, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* "the command" where it is an assignment of its own, otherwise the variable's name. */
static const char *variable_source(const struct surroundings *around, const char *name) {
    return surroundings_variable(around, NULL, name) != NULL ? "the command" : name;
}

static void find_environment(const struct recognition *recognition,
    const struct surroundings *around, char *const environment[], const char **name,
    const char **source) {
    const char *rails = variable(around, environment, "RAILS_ENV");
    const char *rack = variable(around, environment, "RACK_ENV");
    *name = "development";
    *source = "default";
    if (recognition->named_environment != NULL && (recognition->names_rails_env || rails == NULL)) {
        *name = recognition->named_environment;
        *source = "the command";
    } else if (rails != NULL) {
        *name = rails;
        *source = variable_source(around, "RAILS_ENV");
    } else if (rack != NULL) {
        *name = rack;
        *source = variable_source(around, "RACK_ENV");
    }
}

void recognition_environment_in(const struct recognition *recognition, char *const environment[],
    const char **name, const char **source) {
    const struct surroundings nothing = {.directory = NULL};
    find_environment(recognition, &nothing, environment, name, source);
}

void recognition_wrap_steps(const struct recognition *recognition, const struct step_list *steps,
    const char *environment, const char *environment_source, struct step_list *wrapped) {
    AUTO_TEXT struct text assignment = {.data = NULL};
    text_append_format(&assignment, "RAILS_ENV=%s", environment);
    bool is_own = strcmp(environment_source, "the command") == 0 &&
        !string_list_has(&recognition->around.prefix, text_string(&assignment));
    step_list_append_wrapped(
        wrapped, steps, &recognition->around, is_own ? text_string(&assignment) : NULL);
}

void command_recognise(const struct recognition_request *request, struct recognition *recognition) {
    struct walk walk = {.request = request, .effort = EFFORT};
    struct finding finding = {.kind = COMMAND_NONE, .rule = "no words"};
    AUTO_SENTENCE struct sentence words = {.items = NULL};
    for (size_t i = 0; request->argv[i] != NULL; i++) {
        sentence_append(&words, &(struct word){.text = request->argv[i], .index = i});
    }
    if (words.count > 0) {
        walk_words(&walk, &words, 0, &finding);
    }
    *recognition = (struct recognition){
        .kind = finding.kind,
        .is_step = finding.kind == COMMAND_PREPARE && hook_is_step(&walk),
        .is_versioned = walk.is_versioned,
        .is_manager = finding.kind == COMMAND_OTHER && finding.is_manager,
        .word = finding.word,
        .names_rails_env = finding.names_rails_env,
        .named_environment = finding.environment == NULL ? NULL : string_copy(finding.environment),
        .around = finding.around,
    };
    (void)snprintf(recognition->rule, sizeof recognition->rule, "%s", finding.rule);
    const char *name = NULL;
    find_environment(recognition, &recognition->around, request->environment, &name,
        &recognition->environment_source);
    recognition->environment = string_copy(name);
    string_list_release(&walk.owned);
    string_list_release(&walk.deeds);
    recognition->server = walk.server;
    recognition->inner_step =
        recognition->kind == COMMAND_PREPARE ? NULL : take_pointer(&walk.inner_step);
    free(walk.inner_step);
}

void recognition_release(struct recognition *recognition) {
    surroundings_release(&recognition->around);
    free(recognition->environment);
    free(recognition->inner_step);
    string_list_release(&recognition->server);
    free(recognition->named_environment);
    *recognition = (struct recognition){.kind = COMMAND_NONE};
}

const char *command_kind_name(enum command_kind kind) {
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
