/*
 * What an explanation consists of. It makes the target with the preparer's own function, so that it
 * cannot differ from what a start would do.
 */
#include "signalbox/cli/explain.h"

#include <stdio.h>

#include "cli/explain_page.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"

/* What keeps the plan from being carried out, or NULL. */
static const char *find_problem(const struct explanation *explanation, struct error *error) {
    if (explanation->refusal != NULL) {
        *error = *explanation->refusal;
        return error->text;
    }
    if (explanation->plan->prepare != PREPARE_NOTHING &&
        error->exit_status != EXIT_STATUS_SUCCESS) {
        return error->text;
    }
    error->exit_status = EXIT_STATUS_SUCCESS;
    return NULL;
}

int explain_run(void *argument) {
    const struct explanation *explanation = argument;
    AUTO_TEXT struct text page = {.data = NULL};
    struct error error = {.exit_status = EXIT_STATUS_SUCCESS};
    struct target target;
    bool has_target = target_make(explanation->target, &target, &error) == 0;
    const char *problem = find_problem(explanation, &error);
    switch (explanation->options->log) {
    case REPORT_TEXT:
        explain_text(explanation, has_target ? &target : NULL, problem, &page);
        break;
    case REPORT_JSON:
        explain_json(explanation, has_target ? &target : NULL, problem, &page);
        break;
    }
    target_release(&target);
    if (fputs(text_string(&page), stdout) == EOF || fflush(stdout) == EOF) {
        return EXIT_STATUS_SYSTEM;
    }
    return error.exit_status;
}
