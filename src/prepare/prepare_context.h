/*
 * What preparing and asking about it begin with: an ear for signals, the environment of whatever is
 * started, and the target, complete.
 */
#ifndef PREPARE_PREPARE_CONTEXT_H
#define PREPARE_PREPARE_CONTEXT_H

#include "prepare/wrapper_environment.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/base/string_list.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/stop_request.h"

struct prepare_context {
    struct stop_request stop_request;
    struct string_list environment; /* For the steps. */
    struct wrapper_environment asked;
    char *step_options;               /* PGOPTIONS as the steps find it, or NULL. */
    const struct step_list *commands; /* What is run. */
    struct target target;
    /* What is not to be shown of a step's output. A caller that learns of more that a step's
     * environment will hold calls secret_values_learn_environment. */
    struct secret_values secrets;
};

/* Where only what lies around the command knows the environment, that is asked, and where only
 * Rails can say which databases there are, Rails is. -1 with the error filled, or with
 * stop request.signal set where one ended the asking. Release it in any case. */
int prepare_context_make(const struct prepare_request *request,
    struct prepare_context *prepare_context, struct error *error) MUST_USE;

/* What the steps find: the environment of this process, with the name of the Rails environment that
 * the command has, unless the wrapper around the command has been asked, which knows better. */
void prepare_context_copy_environment(
    const struct target_request *target, bool is_wrapper_asked, struct string_list *copy);

void prepare_context_release(struct prepare_context *prepare_context);

#endif
