/*
 * The plan. Pure: whatever it must know comes in as an argument, so that a table can test it.
 */
#include "signalbox/plan.h"

static bool is_prepared_first(enum command_kind kind) {
    switch (kind) {
    case COMMAND_SERVER:
        return true;
    case COMMAND_WORKER:
    case COMMAND_PREPARE:
    case COMMAND_TASK:
    case COMMAND_OTHER:
    case COMMAND_NONE:
        return false;
    }
    return false;
}

struct plan plan_make(const struct options *options, const struct recognition *command,
    const struct facts *facts) {
    struct plan plan = {.start = facts->is_init ? START_SUPERVISED : START_REPLACING};
    switch (options->prepare) {
    case PREPARE_AUTO:
        plan.prepare = is_prepared_first(command->kind);
        plan.why = plan.prepare ? "a server prepares first" : "only a server prepares first";
        break;
    case PREPARE_NEVER:
        plan.why = "--prepare=never";
        break;
    }
    return plan;
}
