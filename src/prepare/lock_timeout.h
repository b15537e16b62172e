/*
 * --lock-timeout: PostgreSQL's lock_timeout for the sessions of the steps, by PGOPTIONS in their
 * environment. Whether it holds there is proven before the steps (postgres/lock_timeout_proof.h);
 * here is what can be known without a server.
 */
#ifndef PREPARE_LOCK_TIMEOUT_H
#define PREPARE_LOCK_TIMEOUT_H

#include <stdbool.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/prepare/target.h"

/* -1 with the error filled (78) where it is certain that it cannot hold or cannot be proven: no
 * PostgreSQL, or a setting of the application's that comes after ours. 0 where it is not given. */
int lock_timeout_check(const struct target *target, struct error *error) MUST_USE;

/* Puts it into the environment of the steps, joined with a PGOPTIONS that is there. Nothing where
 * it is not given. */
void lock_timeout_put(const struct target_request *request, struct string_list *environment);

/* With which PGOPTIONS the steps will connect that get this environment, behind what the request
 * says of the command's own words: fills in what the request has of that. `answered`: what lies
 * around the command was given the environment and has answered with this one, which is this
 * process's own; our part is taken out of it again, since only the steps wait as it says. NULL
 * where nothing was asked. `given` is the container's PGOPTIONS, or NULL. The caller frees the
 * result, which the request points into. */
char *lock_timeout_find(struct target_request *request, const struct string_list *environment,
    const char *given, struct string_list *answered);

#endif
