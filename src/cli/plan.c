/*
 * The plan. Pure: whatever it must know comes in as an argument, so that a table can test it.
 */
#include "signalbox/cli/plan.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

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

/* What only a parent can do for the command. */
static bool wants_parent(const struct options *options) {
    return options->signal_group || options->rewrites.count > 0 || options->ok_exits.count > 0;
}

static enum plan_start decide_start(const struct options *options, const struct facts *facts) {
    switch (options->init) {
    case INIT_ALWAYS:
        return START_SUPERVISED;
    case INIT_NEVER:
        return START_REPLACING;
    case INIT_AUTO:
        break;
    }
    /* An init above us would do the rest, but not what was asked for: so we stay below it. */
    return facts->is_init || wants_parent(options) ? START_SUPERVISED : START_REPLACING;
}

/* Who runs `ls`, a console or a task in the image wants what that prints. A server or a worker runs
 * for weeks, and its log is ours as well. */
static bool is_quiet(enum prepare_purpose prepare, enum command_kind kind) {
    return prepare == PREPARE_NOTHING && kind != COMMAND_SERVER && kind != COMMAND_WORKER;
}

static struct plan run_as_step(enum prepare_purpose prepare, const char *why) {
    return (struct plan){.prepare = prepare, .start = START_NOTHING, .why = why};
}

struct plan plan_make(
    const struct options *options, const struct recognition *command, const struct facts *facts) {
    /* A hook that one already has counts under every mode: who types the step wants it run. */
    if (command->kind == COMMAND_PREPARE && !command->is_step) {
        return run_as_step(PREPARE_UNRECORDED,
            "the command migrates, loads or seeds, and only one may do so at a time");
    }
    if (command->kind == COMMAND_PREPARE) {
        return command->is_versioned
            ? run_as_step(PREPARE_UNRECORDED,
                  "the command is the step, but VERSION or SCOPE makes it a part of it")
            : run_as_step(PREPARE_TYPED, "the command is the step itself");
    }
    struct decision decision = decide_by_mode(options, command->kind, facts->has_terminal);
    struct plan plan = {
        .prepare = decision.prepare,
        .is_quiet = is_quiet(decision.prepare, command->kind),
        .why = decision.why,
    };
    if (command->kind != COMMAND_NONE) {
        plan.start = decide_start(options, facts);
    }
    if (plan.start == START_REPLACING && wants_parent(options)) {
        plan.notes = "--signal-group, --rewrite and --ok-exit have no effect with --init=never: "
                     "Signalbox is then not the command's parent";
    }
    if (plan.notes == NULL && command->is_manager && options->prepare == PREPARE_AUTO) {
        plan.notes = "Signalbox cannot see from these words what the command starts: if it starts "
                     "a Rails server, say so with --server (SIGNALBOX_SERVER='foreman start'), so "
                     "that it prepares first";
    }
    return plan;
}

void plan_add_notes(const struct recognition *command, struct string_list *notes) {
    AUTO_TEXT struct text note = {.data = NULL};
    if (command->inner_step == NULL) {
        return;
    }
    text_append_format(
        &note, "`%s` in the command runs outside of the lock, ", command->inner_step);
    text_append_string(&note,
        command->kind == COMMAND_SERVER || command->kind == COMMAND_WORKER
            ? "on every replica at once and at every start: take it out of the command, and let "
              "Signalbox prepare before it (--step)"
            : "because the rest of it may never end, opens the way to the database, or only takes "
              "its output: make it a command of its own");
    string_list_append(notes, text_string(&note));
}
