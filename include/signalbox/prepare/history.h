/*
 * What --status shows of the past and the present: the last runs, and who holds the lock.
 */
#ifndef SIGNALBOX_PREPARE_HISTORY_H
#define SIGNALBOX_PREPARE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/prepare/run.h"

enum { HISTORY_MOST = 10 };

struct lock_holder {
    bool is_held;
    char by[65];                   /* The host that holds it; empty where that is not known. */
    char since[RUN_MOMENT_LENGTH]; /* The same. */
};

struct history {
    char absent[320]; /* Why there is nothing to ask yet, as a clause; otherwise empty. */
    struct lock_holder lock;
    struct run runs[HISTORY_MOST]; /* Of this lock key, newest first. */
    size_t count;
};

#endif
