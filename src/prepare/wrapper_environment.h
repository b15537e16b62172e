/*
 * The environment that only what lies around the command knows, once that has been asked, and what
 * follows from it: another name of the Rails environment, other words for the steps, more secrets.
 */
#ifndef PREPARE_WRAPPER_ENVIRONMENT_H
#define PREPARE_WRAPPER_ENVIRONMENT_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/command/ask.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/process/stop_request.h"

struct wrapper_environment {
    bool is_answered; /* Otherwise nothing is known but what the container itself gives. */
    struct wrapper_answer answer;
    struct recognition command;   /* The request's, with what is left around it; owns nothing. */
    struct context known;         /* What is left, where something was left out. */
    struct target_request target; /* As asked for, in the environment that was answered. */
    struct step_list commands;    /* The steps in it. */
};

/* Asks, says so in the log, and takes the answer for the environment of this process. `environment`
 * is what the command would find. A word that no table knows is left out with a warning where it
 * does not answer and end: then there may be no answer. -1 with the error filled (78), or with
 * stop request->signal set. The rest is released with `asked`, which must live as long as the
 * environment is used. */
int wrapper_environment_ask(const struct prepare_request *request, char *const environment[],
    struct stop_request *stop_request, struct wrapper_environment *asked,
    struct error *error) MUST_USE;

/* What is to be run: the request's commands, or the steps made anew. */
const struct step_list *wrapper_environment_commands(
    struct wrapper_environment *asked, const struct prepare_request *request);

/* What the answer has beyond `environment` may be anything, so more of it is secret than of what
 * every process can see. */
void wrapper_environment_learn_secrets(const struct wrapper_environment *asked,
    char *const environment[], struct secret_values *secrets);

void wrapper_environment_release(struct wrapper_environment *asked);

#endif
