/*
 * What has been prepared, as a number: SHA-256 over the content of the image and whatever else
 * decides what the steps would do (design, section 7). The same content has the same fingerprint
 * in every replica, whatever its tag, host or database password.
 */
#ifndef SIGNALBOX_FINGERPRINT_FINGERPRINT_H
#define SIGNALBOX_FINGERPRINT_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/command/step.h"
#include "signalbox/database/database.h"

struct fingerprint {
    char hex[65];        /* Empty where nothing is watched, of which … */
    const char *nothing; /* … this clause says why, and what to do. */
    int64_t files;
    int64_t bytes;
    char ledger_named_in[256]; /* The first file found in a folder `db` that names the ledger's
                                  table, as a schema would that was dumped with it; or empty. */
};

struct fingerprint_request {
    const char *directory;           /* Whose files count, itself a directory. */
    const struct string_list *watch; /* As --watch has it; NULL or empty: the whole image. */
    const struct step_list *steps;
    const char *environment;            /* The Rails environment's name. */
    const struct databases *databases;  /* NULL where only Rails can say which there are. Of them
                                            role, name, schema_search_path and migrations_paths:
                                            never host, port, user or password. */
    const char *release;                /* NULL where none is given. */
    const struct string_list *left_out; /* Files by their real, absolute paths: what changes with
                                           every run or request is no image's content; or NULL. */
};

/* Reads the files that are watched, and variables of the environment. What is noteworthy is
 * appended to `warnings`, a sentence each. -1 with the error filled (78) and the file named where
 * one cannot be read. Blocks on the disk. */
int fingerprint_make(const struct fingerprint_request *request, struct fingerprint *fingerprint,
    struct string_list *warnings, struct error *error) MUST_USE;

#endif
