/*
 * Asking around the command. Nothing of an answer is ever said; what was printed on the way is, at
 * debug, and where the asking failed.
 */
#include "prepare/wrapper_environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prepare/protocol/output_tail.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/report/report.h"

enum { ANSWER_MS = 120000, UNKNOWN_ANSWER_MS = 10000, SLOW_MS = 500 };

static void say_output(
    enum event event, const struct text *output, const struct secret_values *secrets) {
    struct output_tail last = {.added = 0};
    AUTO_TEXT struct text lines = {.data = NULL};
    output_tail_add(&last, text_string(output), output->length);
    output_tail_render(&last, secrets, &lines);
    for (const char *line = text_string(&lines); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        report(event, NULL, "| %.*s", (int)length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

static bool is_same_directory(const char *one, const char *other) {
    struct stat status;
    struct stat other_status;
    return stat(one, &status) == 0 && stat(other, &other_status) == 0 &&
        status.st_dev == other_status.st_dev && status.st_ino == other_status.st_ino;
}

/* This process sees what the command will: its libraries look for the home of a user, a
 * certificate, a password file by it. */
static void take_environment(struct wrapper_environment *asked) {
    static char *none[] = {NULL};
    struct string_list *answered = &asked->answer.environment;
    environ = answered->count == 0 ? none : answered->items;
}

static void take_target(const struct prepare_request *request, struct wrapper_environment *asked) {
    struct target_request *target = &asked->target;
    const char *directory = asked->answer.directory;
    *target = request->target;
    target->unasked = NULL;
    target->environment_changes = NULL;
    target->clears_environment = false;
    recognise_environment_in(
        request->command, environ, &target->environment, &target->environment_source);
    /* One that this user may not enter is as good as unknown. */
    if (directory[0] == '/' && access(directory, R_OK | X_OK) == 0 &&
        !is_same_directory(directory, target->directory)) {
        target->directory = directory;
    }
}

static int explain_silence(const char *whom, const struct wrapper_silence *silence,
    const struct secret_values *secrets, struct error *error) {
    say_output(EVENT_WRAPPER_FAILED, &silence->output, secrets);
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "%.100s was asked for the environment that it gives the command, and %.240s; correct that, "
        "or set SIGNALBOX_DATABASE_URL to say where to lock without asking, or put the tool before "
        "signalbox in the ENTRYPOINT",
        whom, silence->why);
    return -1;
}

static void say_answered(
    const char *whom, const struct wrapper_answer *answer, int64_t elapsed_ms) {
    struct event_fields fields = {.elapsed_ms = elapsed_ms};
    report(EVENT_WRAPPER_ANSWERED, &fields, "%.100s answered after %s%s", whom,
        duration_describe(elapsed_ms).string,
        elapsed_ms < SLOW_MS
            ? ""
            : "; every start takes this time unless SIGNALBOX_DATABASE_URL is set");
    if (answer->overstayed) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "%.100s did not end when the command that it ran ended, so Signalbox ended it; a step "
            "behind it would not end either",
            whom);
    }
}

/* A word that no table knows may do anything with what follows: it is not worth a failed start. */
static void leave_unknown(struct wrapper_environment *asked, const char *why) {
    report(EVENT_CONFIGURATION_NOTE, NULL,
        "%.100s was asked for the environment that it gives the command, and %.240s; the steps run "
        "without it, and a database that it sets is not seen: set SIGNALBOX_DATABASE_URL, or put "
        "it before signalbox (its last line: exec signalbox \"$@\")",
        asked->command.around.unknown, why);
    ask_release_answer(&asked->answer);
    context_copy_known(&asked->command.around, &asked->known);
    asked->command.around = asked->known;
}

static int64_t least(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/* Asks what the steps are to be run behind. The caller has the output and the reason. */
static enum wrapper_asked ask(const struct prepare_request *request, char *const environment[],
    struct stop_request *stop_request, struct wrapper_environment *asked,
    struct wrapper_silence *silence) {
    bool is_unknown = asked->command.around.unknown != NULL;
    int64_t patience_ms = least(UNKNOWN_ANSWER_MS, request->connect_timeout_ms);
    struct interrupt interrupt = stop_request_interrupt(stop_request);
    struct wrapper_question question = {
        .around = &asked->command.around,
        .environment = environment,
        .inheritance = request->inheritance,
        .interrupt = &interrupt,
        .timeout_ms = is_unknown ? patience_ms : ANSWER_MS,
        .grace_ms = is_unknown ? least(request->grace_ms, patience_ms) : request->grace_ms,
    };
    report(EVENT_WRAPPER_ASKED, NULL,
        "asking %.100s for the environment that it gives the command, to find the database in it",
        asked->command.around.asked);
    return ask_wrapper(&question, &asked->answer, silence);
}

/* Asks once, and sets *again where a word that no table knows has to be left out. */
static int ask_once(const struct prepare_request *request, char *const environment[],
    struct stop_request *stop_request, struct wrapper_environment *asked, bool *again,
    struct error *error) {
    const char *whom = asked->command.around.asked;
    bool is_unknown = asked->command.around.unknown != NULL;
    AUTO_SECRET_VALUES struct secret_values secrets = {.items = {.items = NULL}};
    struct wrapper_silence silence;
    int64_t began_ms = clock_now_ms();
    int result = -1;
    *again = false;
    secret_values_learn_environment(&secrets, environment);
    enum wrapper_asked outcome = ask(request, environment, stop_request, asked, &silence);
    bool is_left = is_unknown &&
        (outcome == WRAPPER_SILENT || (outcome == WRAPPER_ANSWERED && asked->answer.overstayed));
    if (is_left) {
        wrapper_environment_learn_secrets(asked, environment, &secrets);
        say_output(EVENT_WRAPPER_OUTPUT, &silence.output, &secrets);
        leave_unknown(asked,
            outcome == WRAPPER_SILENT ? silence.why
                                      : "it did not end when the command that it ran ended");
        *again = asked->command.around.asked != NULL;
        ask_release_silence(&silence);
        return 0;
    }
    switch (outcome) {
    case WRAPPER_ANSWERED:
        wrapper_environment_learn_secrets(asked, environment, &secrets);
        say_output(EVENT_WRAPPER_OUTPUT, &silence.output, &secrets);
        say_answered(whom, &asked->answer, clock_now_ms() - began_ms);
        take_environment(asked);
        take_target(request, asked);
        asked->is_answered = true;
        result = 0;
        break;
    case WRAPPER_SILENT:
        result = explain_silence(whom, &silence, &secrets, error);
        break;
    case WRAPPER_CANCELLED:
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s", "");
        break;
    }
    ask_release_silence(&silence);
    return result;
}

int wrapper_environment_ask(const struct prepare_request *request, char *const environment[],
    struct stop_request *stop_request, struct wrapper_environment *asked, struct error *error) {
    bool again = false;
    asked->command = *request->command;
    asked->target = request->target;
    asked->target.unasked = NULL;
    do {
        if (ask_once(request, environment, stop_request, asked, &again, error) != 0) {
            return -1;
        }
    } while (again);
    return 0;
}

const struct step_list *wrapper_environment_commands(
    struct wrapper_environment *asked, const struct prepare_request *request) {
    switch (request->purpose) {
    case PREPARE_TYPED:
    case PREPARE_UNRECORDED:
        return request->commands;
    case PREPARE_NOTHING:
    case PREPARE_IF_DUE:
    case PREPARE_BY_OTHERS:
        break;
    }
    recognise_wrap_steps(&asked->command, request->target.steps, asked->target.environment,
        asked->target.environment_source, &asked->commands);
    return &asked->commands;
}

/* Names whose values are no secret, and which many wrappers change. */
static bool is_ordinary(const char *assignment) {
    static const char *const names[] = {"PATH=", "HOME=", "PWD=", "OLDPWD=", "USER=", "LOGNAME=",
        "SHELL=", "SHLVL=", "_=", "TERM=", "LANG=", "TZ=", "MAIL=", "LC_",
        "RAILS_ENV=", "RACK_ENV=", "GEM_", "BUNDLE", "RUBY", "RAILS_LOG_",
        "RAILS_MAX_THREADS=", "SUDO_"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (string_has_prefix(assignment, names[i])) {
            return true;
        }
    }
    return false;
}

void wrapper_environment_learn_secrets(const struct wrapper_environment *asked,
    char *const environment[], struct secret_values *secrets) {
    enum { LENGTH_LEAST = 8 };
    const struct string_list *answered = &asked->answer.environment;
    secret_values_learn_environment(secrets, answered->items);
    for (size_t i = 0; i < answered->count; i++) {
        const char *assignment = answered->items[i];
        const char *value = strchr(assignment, '=') + 1;
        bool is_new = true;
        for (char *const *known = environment; *known != NULL && is_new; known++) {
            is_new = strcmp(*known, assignment) != 0;
        }
        if (is_new && strlen(value) >= LENGTH_LEAST && !is_ordinary(assignment)) {
            secret_values_learn(secrets, value);
        }
    }
}

void wrapper_environment_release(struct wrapper_environment *asked) {
    step_list_release(&asked->commands);
    ask_release_answer(&asked->answer);
    context_release(&asked->known);
}
