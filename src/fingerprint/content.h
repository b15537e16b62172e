/*
 * The content of one file.
 */
#ifndef FINGERPRINT_CONTENT_H
#define FINGERPRINT_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"

enum { CONTENT_DIGEST_LENGTH = 32 };

/* The table that the ledger is; a file which names it may be a schema that was dumped with it. */
#define CONTENT_LEDGER_NAME "signalbox_runs"

struct content {
    unsigned char digest[CONTENT_DIGEST_LENGTH]; /* SHA-256. */
    int64_t bytes;
    bool names_ledger;
    bool is_restless; /* It changed while it was read, and again each time that it was read anew. */
    int reason;       /* Why it is CONTENT_UNREADABLE: errno; ENOENT where it has gone meanwhile. */
};

enum content_result {
    CONTENT_READ,
    CONTENT_UNREADABLE,
    CONTENT_NO_DIGEST /* OpenSSL has no SHA-256. */
};

/* Reads a regular file of any size in bounded memory. `follows` lets a link at the end of the path
 * lead on. Blocks on the disk. */
enum content_result content_read(
    int directory_fd, const char *path, bool follows, struct content *content) MUST_USE;

#endif
