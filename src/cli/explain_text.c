/*
 * The explanation for a person: aligned lines, most important first.
 */
#include "cli/explain_page.h"

#include <string.h>

#include "cli/page.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"
#include "signalbox/process/privileges.h"

static void line(struct text *page, const char *label, const char *value) {
    page_line(page, label, value, PAGE_PLAIN);
}

static void explain_command(const struct explanation *explanation, struct text *page) {
    AUTO_TEXT struct text words = {.data = NULL};
    AUTO_TEXT struct text masked = {.data = NULL};
    AUTO_TEXT struct text kind = {.data = NULL};
    char *const *command = explanation->options->command;
    size_t count = 0;
    while (command[count] != NULL) {
        count++;
    }
    words_join(command, count, &words);
    secret_mask(text_string(&words), &masked);
    line(page, "command", count == 0 ? "none" : text_string(&masked));
    text_append_format(&kind, "%s: %s", recognise_kind_name(explanation->command->kind),
        explanation->command->rule);
    line(page, "kind", text_string(&kind));
}

static const char *start_in_words(enum plan_start start) {
    switch (start) {
    case START_NOTHING:
        return "exit";
    case START_SUPERVISED:
        return "run it as our child";
    case START_REPLACING:
        return "become it";
    }
    return "";
}

static const char *prepare_in_words(enum prepare_purpose prepare) {
    switch (prepare) {
    case PREPARE_NOTHING:
        return "";
    case PREPARE_IF_DUE:
        return "prepare unless it is done, then ";
    case PREPARE_TYPED:
        return "run it under the lock and record it, then ";
    case PREPARE_UNRECORDED:
        return "run it under the lock, then ";
    case PREPARE_BY_OTHERS:
        return "wait until another replica has prepared, then ";
    }
    return "";
}

static void explain_plan(const struct explanation *explanation, struct text *page) {
    const struct plan *plan = explanation->plan;
    AUTO_TEXT struct text value = {.data = NULL};
    text_append_format(
        &value, "%s%s", prepare_in_words(plan->prepare), start_in_words(plan->start));
    line(page, "plan", text_string(&value));
    line(page, "because", plan->why);
}

/* By now this process is what the command will be. */
static void explain_identity(struct text *page) {
    AUTO_CREDENTIALS struct credentials now = {.groups = NULL};
    AUTO_TEXT struct text value = {.data = NULL};
    struct error error;
    if (privileges_read(&now, &error) != 0) {
        line(page, "user", error.text);
        return;
    }
    text_append_format(&value, "uid %u, gid %u, groups", now.uids[0], now.gids[0]);
    for (size_t i = 0; i < now.group_count; i++) {
        text_append_format(&value, " %u", now.groups[i]);
    }
    line(page, "user", text_string(&value));
    text_release(&value);
    privileges_describe_capabilities(now.permitted, &value);
    text_append_string(&value, now.no_new_privs ? ", no_new_privs" : "");
    line(page, "caps", text_string(&value));
}

static void explain_target(const struct target *target, struct text *page) {
    AUTO_TEXT struct text value = {.data = NULL};
    text_append_format(
        &value, "%s (%s)", target->environment, recognise_source_name(target->environment_source));
    line(page, "environment", text_string(&value));
    text_release(&value);
    if (target->database == NULL) {
        text_append_format(&value,
            target->unasked != NULL
                ? "%s is asked for its environment at the start, because only it knows what it sets"
                : "only Rails can say: %s",
            target->unasked != NULL ? target->unasked : target->needs_rails_why);
        line(page, "database", text_string(&value));
        text_release(&value);
    }
    for (size_t i = 0; i < target->databases.count; i++) {
        const struct database *database = &target->databases.items[i];
        text_append_format(&value, "%s: ", database->is_for_lock_only ? "lock" : database->role);
        database_describe(database, &value);
        text_append_format(&value, " (%s)", database->source);
        line(page, i == 0 ? "database" : "", text_string(&value));
        text_release(&value);
    }
    if (explain_parts_password(target) != NULL) {
        text_append_format(&value, "not asked now: `%s` prints it for each connection",
            explain_parts_password(target));
        line(page, "password", text_string(&value));
        text_release(&value);
    }
    if (target->lock != LOCK_AUTO) {
        text_append_format(&value, "%s%s%s", explain_parts_lock(target),
            target->lock_path == NULL ? "" : " ",
            target->lock_path == NULL ? "" : target->lock_path);
        line(page, "lock", text_string(&value));
        text_release(&value);
    }
    if (!target->has_fingerprint) {
        line(page, "fingerprint", "none");
        return;
    }
    line(page, "fingerprint", target->fingerprint);
    text_append_format(
        &value, "%lld files, %lld bytes", (long long)target->files, (long long)target->bytes);
    line(page, "watched", text_string(&value));
}

static bool is_at_default(const struct options *options, const char *flag) {
    return options_is_default(options, flag);
}

/* The options that were set, or all of them where that is asked for. */
static void explain_options(const struct options *options, struct text *page) {
    bool is_asked_for_all = options->log_level == REPORT_DEBUG;
    size_t widest = 0;
    size_t hidden = 0;
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        widest = option.value.length > widest ? option.value.length : widest;
        text_release(&option.value);
    }
    text_append_string(page, "\n");
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        if (is_asked_for_all || !is_at_default(options, option.flag)) {
            text_append_format(page, "%-20s %-*s  %s\n", option.flag,
                (int)(widest > 40 ? 40 : widest), text_string(&option.value), option.source);
        } else {
            hidden++;
        }
        text_release(&option.value);
    }
    if (hidden > 0) {
        text_append_format(page,
            "%zu options are at their default: --log-level=debug shows them, --log=json too\n",
            hidden);
    }
}

void explain_text(const struct explanation *explanation, const struct target *target,
    const char *problem, struct text *page) {
    AUTO_STRING_LIST struct string_list warnings = {.items = NULL};
    explain_parts_warnings(explanation, target, &warnings);
    explain_command(explanation, page);
    explain_plan(explanation, page);
    if (problem != NULL) {
        line(page, "problem", problem);
    }
    for (size_t i = 0; i < warnings.count; i++) {
        line(page, "warning", warnings.items[i]);
    }
    for (size_t i = 0; i < explanation->commands->count; i++) {
        line(page, i == 0 ? "steps" : "", explanation->commands->items[i].text);
    }
    if (explanation->refusal == NULL) {
        explain_identity(page);
    }
    if (target != NULL) {
        explain_target(target, page);
    }
    explain_options(explanation->options, page);
}
