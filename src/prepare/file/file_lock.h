/*
 * A lock on one host: flock(2) on a file that is empty and stays. It is tried and never waited for.
 * It belongs to the open file description, so that it lasts until the last process that has the
 * descriptor is gone: a step inherits it on purpose, and no successor can start while anything of
 * the step is alive, even where its preparer was killed.
 */
#ifndef PREPARE_FILE_FILE_LOCK_H
#define PREPARE_FILE_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"

struct file_lock {
    const char *path;
    int fd; /* -1 while it is not ours. */
    int64_t looked_ms;
    bool was_replaced;
};

enum file_lock_attempt {
    FILE_LOCK_TAKEN,
    FILE_LOCK_HELD,   /* By another process, or by a step that outlived its preparer. */
    FILE_LOCK_REFUSED /* The file cannot be used: the error says why (78). */
};

void file_lock_initialise(struct file_lock *lock, const char *path);

/* Makes the file where it is missing. */
enum file_lock_attempt file_lock_try(struct file_lock *lock, struct error *error) MUST_USE;

/* False once the file of that name is not the one that is locked: it was removed or replaced,
 * and another process may have the lock on the new one. Looks at most once a second. */
bool file_lock_holds(struct file_lock *lock);

/* When file_lock_holds will look again. */
int64_t file_lock_deadline_ms(const struct file_lock *lock);

/* Whether a process has it. Looks by sharing it for an instant, in which another's try is told that
 * it is held; makes nothing. A file that is not there is free. */
bool file_lock_is_held(const char *path);

/* Lets go for every process that has inherited it. */
void file_lock_release(struct file_lock *lock);

/* Whether the file system at `path` is one whose server may not keep hosts apart: NFS, SMB. */
bool file_lock_is_remote(const char *path);

#endif
