/*
 * --lock: what keeps replicas apart.
 */
#ifndef SIGNALBOX_PREPARE_LOCK_CHOICE_H
#define SIGNALBOX_PREPARE_LOCK_CHOICE_H

#include <stdbool.h>

enum lock_kind {
    LOCK_AUTO, /* Postgres, or a file beside a SQLite database; never silently none. */
    LOCK_POSTGRES,
    LOCK_FILE, /* For the containers of one host. */
    LOCK_NONE
};

struct lock_choice {
    enum lock_kind kind;
    const char *path; /* Of LOCK_FILE, where one is given; otherwise NULL. */
};

/* The kind's word for --lock and --explain. */
const char *lock_choice_name(enum lock_kind kind);

/* False where no kind has that word. */
bool lock_choice_named(const char *name, enum lock_kind *kind);

#endif
