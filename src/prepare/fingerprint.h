/*
 * What has been prepared, as a number: SHA-256 over the content of the image and whatever else
 * decides what the steps would do (design, section 7). The same content has the same fingerprint
 * in every replica, whatever its tag, host or database password.
 */
#ifndef PREPARE_FINGERPRINT_H
#define PREPARE_FINGERPRINT_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/command/step.h"
#include "signalbox/database/database.h"

struct fingerprint {
    char hex[65];
    int64_t files;
    int64_t bytes;
};

struct fingerprint_request {
    const char *directory; /* Whose files count, itself a directory. */
    const struct step_list *steps;
    const char *environment;            /* The Rails environment's name. */
    const struct databases *databases;  /* NULL where only Rails can say which there are. Of them
                                            role, name and schema_search_path: never host, port,
                                            user or password. */
    const char *release;                /* NULL where none is given. */
    const struct string_list *left_out; /* Files by their real, absolute paths: what changes with
                                           every run or request is no image's content; or NULL. */
};

/* Reads every file below the directory and on its file system, except .git, log, tmp, storage,
 * node_modules, public and vendor/bundle at its top and *.sqlite3* anywhere. Symbolic links count
 * as what they say and are never followed. -1 with the error filled (78) and the file named where
 * one cannot be read. Blocks on the disk. */
int fingerprint_make(const struct fingerprint_request *request, struct fingerprint *fingerprint,
    struct error *error) MUST_USE;

#endif
