/*
 * The backend over files, for SQLite, one host and local containers: a flock, and a ledger
 * beside it (PATH and PATH.ledger). Each lock key has both of its own, so that only who holds the
 * lock ever writes the ledger.
 */
#ifndef PREPARE_FILE_FILE_BACKEND_H
#define PREPARE_FILE_FILE_BACKEND_H

#include <stdbool.h>

#include "prepare/file/file_lock.h"
#include "prepare/protocol/backend.h"
#include "signalbox/prepare/target.h"

struct file_backend {
    const struct target *target;
    const char *release; /* A label for the ledger, or NULL. */
    char *ledger_path;
    struct file_lock lock;
    bool initialises;
    bool was_reached;
    char last_complaint[640]; /* Why the ledger is not used, said once. */
};

/* `target` has a lock of the kind LOCK_FILE; both strings live as long as the backend. */
void file_backend_initialise(
    struct file_backend *backend, const struct target *target, const char *release);

/* Blocks on the disk, and on nothing else. */
struct backend file_backend_interface(struct file_backend *backend);

#endif
