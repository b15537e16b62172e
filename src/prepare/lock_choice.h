/*
 * Where the lock is: the decision that --lock leaves to the databases.
 */
#ifndef PREPARE_LOCK_CHOICE_H
#define PREPARE_LOCK_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/database/database.h"
#include "signalbox/prepare/lock_choice.h"

/* Whether the lock can be found without knowing any database. */
bool lock_choice_stands_alone(const struct lock_choice *choice);

/* What the choice comes to: *kind is not LOCK_AUTO, and *path, which the caller owns, is NULL but
 * for LOCK_FILE. A key other than 0 has a file of its own. `first` is NULL where the choice stands
 * alone. -1 with the error filled (78) where there is no such place, with the choices that there
 * are. */
int lock_choice_find(const struct lock_choice *choice, int64_t lock_key,
    const struct databases *databases, const char *directory, enum lock_kind *kind, char **path,
    struct error *error) MUST_USE;

#endif
