/*
 * What the tasks of Rails, and of the gems that migrate beside it, do to a database.
 */
#ifndef COMMAND_DATABASE_TASK_H
#define COMMAND_DATABASE_TASK_H

#include <stddef.h>

enum task_effect {
    TASK_HARMLESS, /* Needs no lock; so does every task that is not known. */
    TASK_ADVANCES, /* Migrates, loads or seeds: under the lock. */
    TASK_REVERTS,  /* Under the lock too, but what it leaves behind is not prepared. */
    TASK_DROPS     /* Drops the database, in which no lock can be held meanwhile. */
};

struct database_task {
    const char *name;
    enum task_effect effect;
    const char *does; /* For people: "runs what is pending". */
};

/* The row for a task, the first `length` bytes at `name`, without its arguments in brackets; NULL
 * where it is not known to do anything to a database. */
const struct database_task *database_task_find(const char *name, size_t length);

#endif
