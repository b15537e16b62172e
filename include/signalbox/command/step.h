/*
 * One step of preparing: the words of a --step, its leading NAME=VALUE words being the step's
 * environment.
 */
#ifndef SIGNALBOX_COMMAND_STEP_H
#define SIGNALBOX_COMMAND_STEP_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"

struct step {
    char *text;                     /* As it was given, for people. */
    struct string_list assignments; /* NAME=VALUE, in order. */
    struct string_list argv;
};

struct step_list {
    struct step *items;
    size_t count;
};

/* Appends the step that `line` means. -1 with the error filled (no context) when it is empty or
 * needs a shell. */
int step_list_append(struct step_list *steps, const char *line, struct error *error) MUST_USE;

/* The same for several, joined by ` && `. */
int step_list_append_joined(
    struct step_list *steps, const char *lines, struct error *error) MUST_USE;

void step_list_release(struct step_list *steps);

#endif
