/*
 * Prints the rows of src/prepare/protocol/protocol.c: as the transitions of the model (`promela`),
 * so that the model checks the very table that the program runs, or as the diagram of
 * doc/protocol.md
 * (`diagram`). The trap is a copy of the table that drifts: nothing here knows a row.
 */
#include <stdio.h>
#include <string.h>

#include "prepare/protocol/protocol.h"

static const char *const actions[ACTION_COUNT] = {
    [ACT_NONE] = "none",
    [ACT_CONNECT] = "connect",
    [ACT_LOOK] = "look",
    [ACT_TRY_LOCK] = "try_lock",
    [ACT_PAUSE] = "pause",
    [ACT_INSPECT] = "inspect",
    [ACT_BEGIN_RUN] = "begin_run",
    [ACT_FENCE] = "fence",
    [ACT_RUN_STEPS] = "run_steps",
    [ACT_RECORD_OUTCOME] = "record_outcome",
};

/* In the model the end of a replica is an action too. */
static const struct {
    const char *name;
    const char *in_diagram; /* NULL for what can happen in every state. */
} outcomes[OUTCOME_COUNT] = {
    [OUTCOME_NONE] = {"none", NULL},
    [OUTCOME_PREPARED] = {"start", "the_server_starts"},
    [OUTCOME_PREPARED_UNRECORDED] = {"start_unrecorded", "the_server_starts"},
    [OUTCOME_FAILED] = {"fail", "it_does_not"},
    [OUTCOME_DIED] = {"fail_alone", "it_does_not"},
    [OUTCOME_WAITED_TOO_LONG] = {"give_up_waiting", "it_does_not"},
    [OUTCOME_LOCK_LOST] = {"give_up_lock", "it_does_not"},
    [OUTCOME_REFUSED] = {"refuse", NULL},
    [OUTCOME_CANCELLED] = {"cancel", NULL},
};

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
    return observation_name((enum observation)observation);
}

/* The actions, and behind them the outcomes, without the two that are none. */
static const char *name_of_action(int number) {
    return number < ACTION_COUNT - 1 ? actions[number + 1]
                                     : outcomes[number - ACTION_COUNT + 2].name;
}

static void print_promela_row(const struct protocol_row *row) {
    print_word(":: at == ", protocol_state_name(row->state));
    print_word(" && seen == seen_", observation_name(row->observation));
    print_word(" -> at = ", protocol_state_name(row->next));
    print_word("; act = act_",
        row->next == PROTOCOL_ENDED ? outcomes[row->outcome].name : actions[row->action]);
    (void)printf("; c_code { row_reach(%d); } /* %s */\n",
        (int)row->state * OBSERVATION_COUNT + (int)row->observation, row->why);
}

static void print_diagram_row(const struct protocol_row *row) {
    const char *end = outcomes[row->outcome].in_diagram;
    /* What can happen in every state says nothing about any. */
    if ((row->next == PROTOCOL_ENDED && end == NULL) || row->observation == SEEN_GONE) {
        return;
    }
    (void)printf("    %s --> %s: %s\n", protocol_state_name(row->state),
        end == NULL ? protocol_state_name(row->next) : end, observation_name(row->observation));
}

static void for_each_row(void (*print)(const struct protocol_row *row)) {
    for (int state = 0; state < PROTOCOL_STATE_COUNT; state++) {
        for (int seen = 0; seen < OBSERVATION_COUNT; seen++) {
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
        print_names("observation", "seen_", name_of_observation, OBSERVATION_COUNT);
        print_names("action", "act_", name_of_action, ACTION_COUNT - 1 + OUTCOME_COUNT - 1);
        /* Says once in an exploration that a row was reached; no part of the model's state. */
        (void)printf("c_decl { static char row_reached[%d];\n"
                     "static void row_reach(int row) { if (!row_reached[row]) "
                     "{ row_reached[row] = 1; printf(\"row %%d is reached\\n\", row); } } }\n",
            PROTOCOL_STATE_COUNT * OBSERVATION_COUNT);
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
