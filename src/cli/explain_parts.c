/*
 * What both forms of an explanation say in the same words.
 */
#include "cli/explain_page.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

void explain_parts_phases(const struct explanation *explanation, struct string_list *phases) {
    switch (explanation->plan->prepare) {
    case PREPARE_NOTHING:
        break;
    case PREPARE_IF_DUE:
    case PREPARE_TYPED:
    case PREPARE_UNRECORDED:
        string_list_append(phases, "prepare");
        break;
    case PREPARE_BY_OTHERS:
        string_list_append(phases, "wait");
        break;
    }
    if (explanation->plan->start != START_NOTHING) {
        string_list_append(phases, "run");
    }
}

const char *explain_parts_lock(const struct target *target) {
    return target->lock == LOCK_AUTO ? NULL : lock_choice_name(target->lock);
}

const char *explain_parts_password(const struct target *target) {
    return target->password_command == NULL ? NULL : target->password_command->words->items[0].text;
}

void explain_parts_warnings(const struct explanation *explanation, const struct target *target,
    struct string_list *warnings) {
    const struct string_list *unknown = &explanation->options->unknown_variables;
    for (size_t i = 0; i < unknown->count; i++) {
        string_list_append(warnings, unknown->items[i]);
    }
    if (explanation->plan->notes != NULL) {
        string_list_append(warnings, explanation->plan->notes);
    }
    plan_add_notes(explanation->command, warnings);
    if (target == NULL || explanation->plan->prepare == PREPARE_NOTHING) {
        return;
    }
    if (!target->has_fingerprint) {
        AUTO_TEXT struct text warning = {.data = NULL};
        target_explain_no_fingerprint(target, &warning);
        string_list_append(warnings, text_string(&warning));
    }
    for (size_t i = 0; i < target->warnings.count; i++) {
        string_list_append(warnings, target->warnings.items[i]);
    }
}
