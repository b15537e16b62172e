/*
 * Recognition as its callers see it: argv into words, the walk, and the environment's name from
 * what was learned. It owns what it returns. The trap is RACK_ENV: `puma -e` sets only that, and
 * Rails reads it only where RAILS_ENV is not set or empty.
 */
#include "signalbox/command/recognise.h"

#include <stdio.h>
#include <string.h>

#include "command/hook.h"
#include "command/surroundings.h"
#include "command/walk.h"
#include "signalbox/base/cleanup.h"

enum { EFFORT = 20000 };

static const char *variable(
    const struct finding *finding, char *const environment[], const char *name) {
    const char *value = surroundings_variable(&finding->around, environment, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* "the command" where it is an assignment of its own, otherwise the variable's name. */
static const char *variable_source(const struct finding *finding, const char *name) {
    return surroundings_variable(&finding->around, NULL, name) != NULL ? "the command" : name;
}

static void find_environment(
    const struct finding *finding, char *const environment[], struct recognition *recognition) {
    const char *rails = variable(finding, environment, "RAILS_ENV");
    const char *rack = variable(finding, environment, "RACK_ENV");
    const char *name = "development";
    recognition->environment_source = "default";
    if (finding->environment != NULL && (finding->names_rails_env || rails == NULL)) {
        name = finding->environment;
        recognition->environment_source = "the command";
    } else if (rails != NULL) {
        name = rails;
        recognition->environment_source = variable_source(finding, "RAILS_ENV");
    } else if (rack != NULL) {
        name = rack;
        recognition->environment_source = variable_source(finding, "RACK_ENV");
    }
    recognition->environment = string_copy(name);
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
        .word = finding.word,
    };
    (void)snprintf(recognition->rule, sizeof recognition->rule, "%s", finding.rule);
    find_environment(&finding, request->environment, recognition);
    recognition->around = finding.around;
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
