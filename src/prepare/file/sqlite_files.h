/*
 * Which file each SQLite database was, so that one that was replaced, emptied or removed does not
 * count as prepared.
 */
#ifndef PREPARE_FILE_SQLITE_FILES_H
#define PREPARE_FILE_SQLITE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

/* Appends a line for each SQLite database that is there and not empty:
 * "DEVICE INODE BIRTH ROLE", where BIRTH is 0 if the file system does not know it. */
void sqlite_files_describe(
    const struct databases *databases, const char *directory, struct text *lines);

/* Whether each database that has a line is the same file still, and not empty. Otherwise `doubt`,
 * of `size` bytes, says which is not and why. */
bool sqlite_files_agree(const char *lines, const struct databases *databases, const char *directory,
    char *stale_reason, size_t size);

enum sqlite_file { SQLITE_FILE_NONE, SQLITE_FILE_MISSING, SQLITE_FILE_EMPTY, SQLITE_FILE_FILLED };

/* What is where the first database would be; SQLITE_FILE_NONE where it is no file. */
enum sqlite_file sqlite_files_first(const struct databases *databases, const char *directory);

/* Whether that file is a mount by itself, so that what lies beside it is not shared with a process
 * that shares the file: neither a lock nor SQLite's own journal. */
bool sqlite_files_first_is_mount(const struct databases *databases, const char *directory);

#endif
