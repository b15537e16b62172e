/*
 * --lock: what keeps replicas apart.
 */
#ifndef SIGNALBOX_PREPARE_LOCK_CHOICE_H
#define SIGNALBOX_PREPARE_LOCK_CHOICE_H

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

#endif
