/*
 * The explanation for a person: aligned lines, most important first.
 */
#include "signalbox/explain.h"

#include <stdio.h>

#include "signalbox/base/text.h"
#include "signalbox/command/words.h"
#include "signalbox/process/exit_status.h"

static void line(struct text *page, const char *label, const char *value) {
    text_append_format(page, "%-12s %s\n", label, value);
}

static void explain_command(const struct explanation *explanation, struct text *page) {
    AUTO_TEXT struct text words = {.data = NULL};
    AUTO_TEXT struct text kind = {.data = NULL};
    char *const *command = explanation->options->command;
    size_t count = 0;
    while (command[count] != NULL) {
        count++;
    }
    words_join(command, count, &words);
    line(page, "command", count == 0 ? "none" : text_string(&words));
    text_append_format(
        &kind, "%s: %s", command_kind_name(explanation->command->kind), explanation->command->rule);
    line(page, "kind", text_string(&kind));
}

static void explain_plan(const struct explanation *explanation, struct text *page) {
    const struct plan *plan = explanation->plan;
    AUTO_TEXT struct text value = {.data = NULL};
    const char *start = plan->start == START_SUPERVISED ? "run it as PID 1's child"
                                                        : "become it (there is an init already)";
    if (explanation->command->kind == COMMAND_NONE) {
        start = "nothing: an image needs a CMD";
    }
    text_append_format(
        &value, "%s%s (%s)", plan->prepare ? "prepare, then " : "", start, plan->why);
    line(page, "plan", text_string(&value));
}

static void explain_target(const struct target *target, struct text *page) {
    AUTO_TEXT struct text value = {.data = NULL};
    for (size_t i = 0; i < target->steps->count; i++) {
        line(page, i == 0 ? "steps" : "", target->steps->items[i].text);
    }
    text_append_format(&value, "%s (%s)", target->environment, target->environment_source);
    line(page, "environment", text_string(&value));
    text_release(&value);
    database_describe(&target->database, &value);
    text_append_format(&value, " (%s)", target->database.source);
    line(page, "database", text_string(&value));
    text_release(&value);
    if (target->has_fingerprint) {
        text_append_format(&value, "%s (%lld files, %lld bytes)", target->fingerprint,
            (long long)target->files, (long long)target->bytes);
    } else {
        text_append_format(
            &value, "none in %s: every replica runs the steps in its turn", target->environment);
    }
    line(page, "fingerprint", text_string(&value));
}

static void explain_options(const struct options *options, struct text *page) {
    text_append_string(page, "\n");
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        text_append_format(
            page, "%-18s %-26s %s\n", option.flag, text_string(&option.value), option.source);
        text_release(&option.value);
    }
}

int explain_run(void *argument) {
    const struct explanation *explanation = argument;
    AUTO_TEXT struct text page = {.data = NULL};
    struct error error = {.exit_status = EXIT_STATUS_SUCCESS};
    explain_command(explanation, &page);
    explain_plan(explanation, &page);
    if (explanation->plan->prepare) {
        struct target target;
        if (target_make(explanation->target, &target, &error) == 0) {
            explain_target(&target, &page);
        } else {
            line(&page, "problem", error.text);
        }
        target_release(&target);
    }
    explain_options(explanation->options, &page);
    if (fputs(text_string(&page), stdout) == EOF || fflush(stdout) == EOF) {
        return EXIT_STATUS_SYSTEM;
    }
    return error.exit_status;
}
