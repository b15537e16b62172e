/*
 * One step of preparing: the words of a --step, its leading NAME=VALUE words being the step's
 * environment.
 */
#ifndef SIGNALBOX_COMMAND_STEP_H
#define SIGNALBOX_COMMAND_STEP_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"

struct step {
    char *text;                     /* All of its words, for people: secrets are masked. */
    char *label;                    /* Without what lies around it, for the log and the ledger. */
    struct string_list assignments; /* NAME=VALUE, in order. */
    struct string_list argv;
};

struct step_list {
    struct step *items;
    size_t count;
};

struct context;

/* Appends the step that `line` means. -1 with the error filled (no context) when it is empty or
 * needs a shell. */
int step_list_append(struct step_list *steps, const char *line, struct error *error) MUST_USE;

/* The same for several, joined by ` && `. */
int step_list_append_joined(
    struct step_list *steps, const char *lines, struct error *error) MUST_USE;

/* Appends the steps as they are to run beside a command: behind what lies around it, so that each
 * runs as the command will. Behind anything, the assignments and `assignment` (NAME=VALUE or NULL)
 * go through env(1), since what stands before may clear the environment. */
void step_list_append_wrapped(struct step_list *wrapped, const struct step_list *steps,
    const struct context *around, const char *assignment);

/* Appends the words of a command as one step, as they stand. What decided is the word at `word`. */
void step_list_append_command(struct step_list *steps, char *const argv[], size_t word);

void step_list_release(struct step_list *steps);
#define AUTO_STEP_LIST __attribute__((cleanup(step_list_release)))

#endif
