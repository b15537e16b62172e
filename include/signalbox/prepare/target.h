/*
 * What a prepare is about: which database, which steps with which environment, which content. Made
 * by one function that the preparer and --explain both call, in a child: it reads files and uses
 * OpenSSL.
 */
#ifndef SIGNALBOX_PREPARE_TARGET_H
#define SIGNALBOX_PREPARE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/command/step.h"
#include "signalbox/database/ask_rails.h"
#include "signalbox/database/database.h"

struct target_request {
    const char *directory;           /* Whose content is fingerprinted; "." is ours. */
    const char *database_url;        /* NULL where the environment decides. */
    const char *database_url_source; /* The option's name, where it is given. */
    const struct step_list *steps;
    const char *named_environment; /* What the command itself names, or NULL. */
    const char *release;           /* --release, or NULL. */
    int64_t lock_key;
};

/* What becomes of a database that does not exist. */
enum missing_database {
    MISSING_IS_AN_ERROR, /* A typo must not become an empty database. */
    MISSING_IS_CREATED,  /* A step would create it, so that Signalbox may do it first. */
    MISSING_IS_AWAITED   /* Another replica will create it. */
};

struct target {
    struct databases databases;
    const struct database *database; /* The first, with lock and ledger; NULL while unclear. */
    char unclear[640];               /* Why only Rails can say; empty where it need not be asked. */
    const struct step_list *steps;
    int64_t lock_key;
    const char *environment;        /* "production". */
    const char *environment_source; /* "RAILS_ENV", "the command", "default". */
    bool has_fingerprint;
    char fingerprint[65];
    int64_t files;
    int64_t bytes;
    enum missing_database missing_database;
};

/* The Rails environment and where its name comes from, as Rails::Info reads it: what the command
 * names, RAILS_ENV, RACK_ENV (empty is unset), `development`. */
const char *target_environment(const char *named, const char **source);

/* -1 with the error filled where no database is named or a file cannot be read. Asks nobody: where
 * only Rails can say which databases there are, `unclear` says why, and `database` is NULL. The
 * fingerprint is the same whether Rails is asked or not. */
int target_make(
    const struct target_request *request, struct target *target, struct error *error) MUST_USE;

/* Completes an unclear target by Rails' answer, and says in the log why that was needed and how
 * long it took. -1 with the error filled where Rails has none, or a signal ended the asking. */
int target_ask_rails(
    struct target *target, const struct rails_question *question, struct error *error) MUST_USE;

void target_release(struct target *target);

#endif
