/*
 * --explain: what would be done, from the same values that doing it uses. Touches no database.
 */
#ifndef SIGNALBOX_CLI_EXPLAIN_H
#define SIGNALBOX_CLI_EXPLAIN_H

#include "signalbox/cli/options.h"
#include "signalbox/cli/plan.h"
#include "signalbox/command/recognise.h"
#include "signalbox/prepare/target.h"

struct explanation {
    const struct options *options;
    const struct recognition *command;
    const struct plan *plan;
    const struct target_request *target;
    const struct step_list *commands; /* What preparing would run. */
    const struct error *refusal;      /* Of --user or --caps, or NULL. */
};

/* For supervisor_run_function, since it hashes files: `explanation` is a struct explanation. Prints
 * to standard output, for a person or with --log=json as one object; returns 0, or the
 * status and the reason where the plan could not be carried out. */
int explain_run(void *explanation);

#endif
