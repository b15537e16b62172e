/*
 * A small file that is read and written as a whole. A reader sees the old content or the
 * new one, also after a crash or a power failure: never a part.
 */
#ifndef SIGNALBOX_BASE_FILE_H
#define SIGNALBOX_BASE_FILE_H

#include <stddef.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"

enum file_reading {
    FILE_READ,
    FILE_MISSING,
    FILE_UNREADABLE /* The error says why (78); a file of more than `most` bytes is one too. */
};

/* Appends the content to `content`. A relative path begins in `directory`, or where that is NULL
 * in the process's own; the error names the path alone. Blocks on the disk. */
enum file_reading file_read(const char *directory, const char *path, size_t most,
    struct text *content, struct error *error) MUST_USE;

/* Writes a file beside it (PATH.new, replaced if a crash left one), and only when that is on the
 * disk gives it the name; the name is on the disk too when this returns 0. For one writer at a
 * time. -1 with the error filled (78), and then the old content is still there. */
int file_replace(const char *path, const char *bytes, size_t length, struct error *error) MUST_USE;

#endif
