/*
 * The place where a file lock is to be: that it is there, and whether it is a good one.
 */
#ifndef PREPARE_FILE_FILE_PLACE_H
#define PREPARE_FILE_FILE_PLACE_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/prepare/target.h"

/* Makes the directory of a SQLite database where a step would create the database. -1 with the
 * error filled (78) where the directory that --lock=file:PATH names does not exist, or the database
 * does not and nothing would create it. */
int file_place_make(const struct target *target, struct error *error) MUST_USE;

/* Says in the log where such a lock may keep fewer replicas apart than one would think. */
void file_place_warn(const struct target *target);

#endif
