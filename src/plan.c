/*
 * The plan. Pure: whatever it must know comes in as an argument, so that a table can test it.
 */
#include "signalbox/plan.h"

struct decision {
    enum prepare_purpose prepare;
    const char *why;
};

static struct decision decide_auto(enum command_kind kind) {
    switch (kind) {
    case COMMAND_SERVER:
        return (struct decision){PREPARE_IF_DUE, "a server prepares first"};
    case COMMAND_WORKER:
        return (struct decision){PREPARE_NOTHING,
            "a worker starts at once (SIGNALBOX_PREPARE=wait would hold it until the database is "
            "prepared)"};
    case COMMAND_PREPARE:
    case COMMAND_TASK:
    case COMMAND_OTHER:
    case COMMAND_NONE:
        break;
    }
    return (struct decision){PREPARE_NOTHING, "only a server prepares first"};
}

/* `any` and `wait` never hold up a person: not a console, not a task, nothing on a terminal. */
static struct decision decide_widely(
    enum command_kind kind, bool has_terminal, enum prepare_purpose prepare, const char *why) {
    switch (kind) {
    case COMMAND_TASK:
        return (struct decision){PREPARE_NOTHING, "consoles and tasks start at once"};
    case COMMAND_PREPARE:
    case COMMAND_SERVER:
    case COMMAND_WORKER:
    case COMMAND_OTHER:
    case COMMAND_NONE:
        break;
    }
    if (has_terminal && kind != COMMAND_NONE) {
        return (struct decision){PREPARE_NOTHING, "a command on a terminal starts at once"};
    }
    return (struct decision){prepare, why};
}

static struct decision decide_by_mode(
    const struct options *options, enum command_kind kind, bool has_terminal) {
    switch (options->prepare) {
    case PREPARE_AUTO:
        return decide_auto(kind);
    case PREPARE_ANY:
        return kind == COMMAND_SERVER
            ? decide_auto(kind)
            : decide_widely(kind, has_terminal, PREPARE_IF_DUE, "--prepare=any");
    case PREPARE_WAIT:
        return kind == COMMAND_NONE
            ? (struct decision){PREPARE_NOTHING, "there is no command to hold"}
            : decide_widely(kind, has_terminal, PREPARE_BY_OTHERS, "--prepare=wait");
    case PREPARE_NEVER:
        break;
    }
    return (struct decision){PREPARE_NOTHING, "--prepare=never"};
}

struct plan plan_make(
    const struct options *options, const struct recognition *command, const struct facts *facts) {
    /* A hook that one already has counts under every mode: who types the step wants it run. */
    if (command->kind == COMMAND_PREPARE && !command->is_step) {
        return (struct plan){PREPARE_UNRECORDED, START_NOTHING, "a migration collides with nobody"};
    }
    if (command->kind == COMMAND_PREPARE) {
        return command->is_versioned
            ? (struct plan){PREPARE_UNRECORDED, START_NOTHING,
                  "the command is the step, but VERSION or SCOPE makes it a part of it"}
            : (struct plan){PREPARE_TYPED, START_NOTHING, "the command is the step itself"};
    }
    struct decision decision = decide_by_mode(options, command->kind, facts->has_terminal);
    struct plan plan = {.prepare = decision.prepare, .why = decision.why};
    if (command->kind != COMMAND_NONE) {
        plan.start = facts->is_init ? START_SUPERVISED : START_REPLACING;
    }
    return plan;
}
