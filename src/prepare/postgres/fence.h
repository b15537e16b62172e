/*
 * The fence around a run. A runner that was killed has lost the lock, while statements of its steps
 * may still be busy in the server. So every step carries a name, PGAPPNAME=signalbox-step/APP/RUN,
 * and whoever runs next ends what bears its APP and another RUN before its own first step.
 */
#ifndef PREPARE_POSTGRES_FENCE_H
#define PREPARE_POSTGRES_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/postgres/session.h"

enum { FENCE_APP_LENGTH = 8, FENCE_RUN_LENGTH = 16 };

struct fence {
    char app[FENCE_APP_LENGTH + 1]; /* Of database, schema and lock key: never another app's. */
    char run[FENCE_RUN_LENGTH + 1]; /* Random, one for each run of this process. */
    const char *only_in; /* Names of databases, one a line, whose backends alone are ended; NULL:
                            wherever they are on the server. */
    const char *roles;   /* Names that the application has in its configuration, one a line. */
    bool is_pooled;      /* Connections go through a pooler, so that idle ones may be strangers'. */
    char rails_lock[24]; /* The key that `db:migrate` takes in this database. */
};

struct fence_sweep {
    int ended;                        /* Backends that were told to end just now. */
    int remaining;                    /* Backends of another run that are there still. */
    char holder[FENCE_HOLDER_LENGTH]; /* One that we may not end, or that holds Rails' own lock. */
};

/* Learns the names; the session is to the target's database, `search_path` the app's or NULL. */
enum session_result fence_make(struct fence *fence, struct session *session,
    const char *search_path, int64_t lock_key, int64_t deadline_ms) MUST_USE;

/* Ends the backends of every other run of this app, and says what is left. What may not be ended
 * counts only if its role could be the application's: the name is one that anybody may set. */
enum session_result fence_sweep_others(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

/* Whether somebody holds Rails' own migration lock, such as a stock replica: what does not carry
 * the name. Not to be asked while our own steps run. */
enum session_result fence_look_at_rails_lock(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

/* The same in the databases of these names, one a line, on the session's server. */
enum session_result fence_look_at_rails_locks(const struct fence *fence, struct session *session,
    const char *names, struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

/* Whether this run's own steps are connected just now. */
enum session_result fence_see_own(const struct fence *fence, struct session *session, bool *is_seen,
    int64_t deadline_ms) MUST_USE;

/* Ends this run's own backends, after a step that did not end well. */
enum session_result fence_sweep_own(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) MUST_USE;

/* "PGAPPNAME=signalbox-step/APP/RUN" for the environment of the steps. */
enum { FENCE_ASSIGNMENT_LENGTH = 64 };
void fence_assignment(const struct fence *fence, char assignment[FENCE_ASSIGNMENT_LENGTH]);

/* The key that ActiveRecord's migrator locks for a database of this name (migration.rb:
 * MIGRATOR_SALT times the CRC-32 of current_database()). */
int64_t fence_rails_lock_key(const char *database_name);

#endif
