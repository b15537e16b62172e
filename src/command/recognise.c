/*
 * The walk. It owns the grammar, tables.c owns the names. The trap is a wrapper's option that takes
 * a value: skipping one word too few or too many finds a server that is not there.
 */
#include "signalbox/command/recognise.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command/tables.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/text.h"

/* Whether `word` is one of the words between blanks in `list`. */
static bool listed(const char *list, const char *word, size_t length) {
    for (const char *at = list; *at != '\0';) {
        size_t piece = strcspn(at, " ");
        if (piece == length && memcmp(at, word, length) == 0) {
            return true;
        }
        at += piece;
        at += strspn(at, " ");
    }
    return false;
}

static bool is_listed(const char *list, const char *word) {
    return listed(list, word, strlen(word));
}

/* The index of the word that the wrapper at `at` runs, or 0 when its words cannot be understood. */
static size_t wrapper_skip(const struct wrapper *wrapper, char *const argv[], size_t at) {
    bool wants_subcommand = wrapper->subcommand != NULL;
    for (at++; argv[at] != NULL; at++) {
        const char *word = argv[at];
        if (word[0] == '-') {
            const char *equals = strchr(word, '=');
            if (is_listed(wrapper->options_with_value, word)) {
                if (argv[++at] == NULL) {
                    return 0;
                }
            } else if (!is_listed(wrapper->options, word) &&
                !(equals != NULL &&
                    listed(wrapper->options_with_value, word, (size_t)(equals - word)))) {
                return 0;
            }
            continue;
        }
        if (!wants_subcommand) {
            return at;
        }
        if (strcmp(word, wrapper->subcommand) != 0) {
            return 0;
        }
        wants_subcommand = false;
    }
    return 0;
}

/* The value of the environment option at argv[at], in any of its three forms, or NULL. */
static const char *environment_value(const struct program *program, char *const argv[], size_t at) {
    const char *word = argv[at];
    const char *equals = strchr(word, '=');
    if (is_listed(program->environment_options, word)) {
        return argv[at + 1];
    }
    if (equals != NULL && word[1] == '-' &&
        listed(program->environment_options, word, (size_t)(equals - word))) {
        return equals + 1;
    }
    if (word[0] == '-' && word[1] != '-' && word[1] != '\0' &&
        listed(program->environment_options, word, 2)) {
        return word + 2;
    }
    return NULL;
}

static struct recognition decide(const struct program *program, char *const argv[], size_t at) {
    struct recognition result = {.kind = program->kind, .word = at};
    size_t next = at + 1;
    if (program->subcommands != NULL) {
        const char *subcommand = argv[next];
        if (subcommand == NULL || !is_listed(program->subcommands, subcommand)) {
            result.kind = program->kind_otherwise;
            (void)snprintf(result.rule, sizeof result.rule, "`%.30s%s%.30s`", program->name,
                subcommand == NULL ? "" : " ", subcommand == NULL ? "" : subcommand);
            return result;
        }
        (void)snprintf(result.rule, sizeof result.rule, "`%.30s %.30s`", program->name, subcommand);
        next++;
    } else {
        (void)snprintf(result.rule, sizeof result.rule, "`%.30s`", program->name);
    }
    if (result.kind != COMMAND_SERVER) {
        return result;
    }
    for (; argv[next] != NULL && strcmp(argv[next], "--") != 0; next++) {
        if (is_listed(program->help_options, argv[next])) {
            result.kind = COMMAND_OTHER;
            (void)snprintf(result.rule, sizeof result.rule, "`%.30s` with `%.30s` serves nothing",
                program->name, argv[next]);
            return result;
        }
        const char *environment = environment_value(program, argv, next);
        if (environment != NULL && environment[0] != '\0') {
            result.environment = environment;
        }
    }
    return result;
}

struct recognition command_recognise(char *const argv[]) {
    size_t at = 0;
    if (argv[0] == NULL) {
        return (struct recognition){.kind = COMMAND_NONE, .rule = "no words"};
    }
    for (;;) {
        const char *name = path_base_name(argv[at]);
        const struct program *program = program_find(name);
        if (program != NULL) {
            return decide(program, argv, at);
        }
        const struct wrapper *wrapper = wrapper_find(name);
        size_t next = wrapper == NULL ? 0 : wrapper_skip(wrapper, argv, at);
        if (next == 0) {
            struct recognition result = {.kind = COMMAND_OTHER, .word = at};
            (void)snprintf(
                result.rule, sizeof result.rule, "`%.60s` is not a server we know", name);
            return result;
        }
        at = next;
    }
}

const char *command_kind_name(enum command_kind kind) {
    switch (kind) {
    case COMMAND_SERVER:
        return "server";
    case COMMAND_WORKER:
        return "worker";
    case COMMAND_PREPARE:
    case COMMAND_MIGRATE:
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
