/*
 * The fence around the databases beside the first: they may live on other servers, and a run that
 * was killed may be at work on each. One short connection to each of those servers, since the view
 * of who is connected shows a whole one.
 */
#ifndef PREPARE_POSTGRES_SERVERS_H
#define PREPARE_POSTGRES_SERVERS_H

#include <stdint.h>

#include "prepare/postgres/fence.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"
#include "signalbox/process/interrupt.h"

struct servers {
    const struct databases *databases; /* The fence itself looks after the first one's server. */
    uint64_t given_up; /* A bit for each database whose server could not be asked in this run. */
};

/* Names in warnings the configurations that name their connections themselves: the fence cannot
 * know those. */
void servers_warn_of_names(const struct databases *databases);

/* The names of the roles that the configurations have, one a line. */
void servers_append_roles(const struct databases *databases, struct text *roles);

/* Whether somebody holds Rails' own migration lock in one of the databases on the first one's
 * server, to which the session is. */
enum session_result servers_look_at_first(const struct servers *servers, const struct fence *fence,
    struct session *session, struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

/* Ends there what other runs of this app, or this run itself, still do, and adds what was found to
 * `sweep`; before the steps with Rails' own migration locks of every database. A server that cannot
 * be asked is named in a warning and left out for the rest of the run, since the steps will say
 * more about it. While the steps run, `lock_wait` becomes the longest of their waits there, where
 * one is longer. SESSION_CANCELLED where a signal came, otherwise SESSION_DONE. */
enum session_result servers_sweep_others(struct servers *servers, const struct fence *fence,
    bool is_before_steps, const struct interrupt *interrupt, struct fence_sweep *sweep,
    struct lock_wait *lock_wait, int64_t deadline_ms) MUST_USE;
enum session_result servers_sweep_own(struct servers *servers, const struct fence *fence,
    const struct interrupt *interrupt, struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

#endif
