/*
 * Prints the rows of src/prepare/protocol/protocol.c: as the transitions of the model (`promela`),
 * so that the model checks the very table that the program runs, or as the diagram of
 * doc/protocol.md
 * (`diagram`). The trap is a copy of the table that drifts: nothing here knows a row.
 */
#include <stdio.h>
#include <string.h>

#include "prepare/protocol/protocol.h"

static const char *action_name(enum protocol_action action) {
    switch (action) {
    case ACT_CONNECT:
        return "connect";
    case ACT_LOOK:
        return "look";
    case ACT_TRY_LOCK:
        return "try_lock";
    case ACT_PAUSE:
        return "pause";
    case ACT_LET_GO:
        return "let_go";
    case ACT_INSPECT:
        return "inspect";
    case ACT_BEGIN_RUN:
        return "begin_run";
    case ACT_FENCE:
        return "fence";
    case ACT_RUN_STEPS:
        return "run_steps";
    case ACT_RECORD_OUTCOME:
        return "record_outcome";
    case ACT_START:
        return "start";
    case ACT_START_UNRECORDED:
        return "start_unrecorded";
    case ACT_FAIL:
        return "fail";
    case ACT_FAIL_ALONE:
        return "fail_alone";
    case ACT_GIVE_UP_WAITING:
        return "give_up_waiting";
    case ACT_GIVE_UP_LOCK:
        return "give_up_lock";
    case ACT_REFUSE:
        return "refuse";
    case ACT_CANCEL:
        return "cancel";
    }
    return "?";
}

/* How the end of a protocol is called in the diagram; NULL for what can happen in every state. */
static const char *end_name(enum protocol_action action) {
    switch (action) {
    case ACT_START:
    case ACT_START_UNRECORDED:
        return "the_server_starts";
    case ACT_FAIL:
    case ACT_FAIL_ALONE:
    case ACT_GIVE_UP_WAITING:
    case ACT_GIVE_UP_LOCK:
        return "it_does_not";
    case ACT_CONNECT:
    case ACT_LOOK:
    case ACT_TRY_LOCK:
    case ACT_PAUSE:
    case ACT_LET_GO:
    case ACT_INSPECT:
    case ACT_BEGIN_RUN:
    case ACT_FENCE:
    case ACT_RUN_STEPS:
    case ACT_RECORD_OUTCOME:
    case ACT_REFUSE:
    case ACT_CANCEL:
        break;
    }
    return NULL;
}

/* A name of several words as one. */
static void print_word(const char *prefix, const char *name) {
    (void)fputs(prefix, stdout);
    for (; *name != '\0'; name++) {
        (void)putchar(*name == ' ' ? '_' : *name);
    }
}

static void print_names(const char *what, const char *prefix, const char *(*name)(int), int count) {
    (void)printf("mtype:%s = {", what);
    for (int i = 0; i < count; i++) {
        (void)fputs(i == 0 ? "" : ", ", stdout);
        print_word(prefix, name(i));
    }
    (void)puts("};");
}

static const char *name_of_state(int state) {
    return protocol_state_name((enum protocol_state)state);
}

static const char *name_of_observation(int observation) {
    return protocol_observation_name((enum observation)observation);
}

static const char *name_of_action(int action) {
    return action_name((enum protocol_action)action);
}

static void print_promela_row(const struct protocol_row *row) {
    print_word(":: at == ", protocol_state_name(row->state));
    print_word(" && seen == seen_", protocol_observation_name(row->observation));
    print_word(" -> at = ", protocol_state_name(row->next));
    print_word("; act = act_", action_name(row->action));
    (void)printf("; c_code { row_reach(%d); } /* %s */\n",
        (int)row->state * PROTOCOL_OBSERVATION_COUNT + (int)row->observation, row->why);
}

static void print_diagram_row(const struct protocol_row *row) {
    const char *end = end_name(row->action);
    /* What can happen in every state says nothing about any. */
    if ((row->next == PROTOCOL_ENDED && end == NULL) || row->observation == SEEN_GONE) {
        return;
    }
    (void)printf("    %s --> %s: %s\n", protocol_state_name(row->state),
        end == NULL ? protocol_state_name(row->next) : end,
        protocol_observation_name(row->observation));
}

static void for_each_row(void (*print)(const struct protocol_row *row)) {
    for (int state = 0; state < PROTOCOL_STATE_COUNT; state++) {
        for (int seen = 0; seen < PROTOCOL_OBSERVATION_COUNT; seen++) {
            const struct protocol_row *row =
                protocol_next((enum protocol_state)state, (enum observation)seen);
            if (row != NULL) {
                print(row);
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "promela") == 0) {
        print_names("state", "", name_of_state, PROTOCOL_STATE_COUNT);
        print_names("observation", "seen_", name_of_observation, PROTOCOL_OBSERVATION_COUNT);
        print_names("action", "act_", name_of_action, ACT_CANCEL + 1);
        /* Says once in an exploration that a row was reached; no part of the model's state. */
        (void)printf("c_decl { static char row_reached[%d];\n"
                     "static void row_reach(int row) { if (!row_reached[row]) "
                     "{ row_reached[row] = 1; printf(\"row %%d is reached\\n\", row); } } }\n",
            PROTOCOL_STATE_COUNT * PROTOCOL_OBSERVATION_COUNT);
        (void)puts("inline follow_row() {\nif");
        for_each_row(print_promela_row);
        (void)puts(":: else -> assert(false); /* a pair that cannot happen */\nfi\n}");
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "diagram") == 0) {
        (void)puts("```mermaid\nstateDiagram-v2\n    [*] --> connecting");
        for_each_row(print_diagram_row);
        (void)puts("```");
        return 0;
    }
    (void)fputs("usage: print_protocol promela|diagram\n", stderr);
    return 64;
}
