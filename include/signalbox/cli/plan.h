/*
 * What will be done, decided in PID 1 by a pure function of the options, the recognised command
 * and facts about this process. --explain prints the same value that is carried out.
 */
#ifndef SIGNALBOX_CLI_PLAN_H
#define SIGNALBOX_CLI_PLAN_H

#include <stdbool.h>

#include "signalbox/base/string_list.h"
#include "signalbox/cli/options.h"
#include "signalbox/command/recognise.h"
#include "signalbox/prepare/prepare.h"

struct facts {
    bool is_init;      /* We are PID 1 of our namespace, so that no other process reaps. */
    bool has_terminal; /* Standard input is a terminal: a person may sit there. */
};

enum plan_start {
    START_NOTHING,    /* There is no command, or it was run as the step. */
    START_SUPERVISED, /* Stay as its parent: forward, reap, exit with its status. */
    START_REPLACING   /* There is an init already, or none is wanted: become the command. */
};

struct plan {
    enum prepare_purpose prepare;
    enum plan_start start;
    bool is_quiet;     /* The output is the command's alone: nothing is said at info. */
    const char *why;   /* Why it prepares or does not, as a clause. */
    const char *notes; /* What was asked for and cannot be had, as a sentence; or NULL. */
};

struct plan plan_make(
    const struct options *options, const struct recognition *command, const struct facts *facts);

/* Appends what is to be said of the command itself, a sentence each. */
void plan_add_notes(const struct recognition *command, struct string_list *notes);

#endif
