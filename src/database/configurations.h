/*
 * From a loaded database.yml to the databases of one environment, as Rails and ActiveRecord do it.
 */
#ifndef DATABASE_CONFIGURATIONS_H
#define DATABASE_CONFIGURATIONS_H

#include "database/reading.h"
#include "database/value.h"
#include "signalbox/database/database.h"

struct configurations_request {
    struct value *root;      /* Of the file; NULL where it is empty or there is none. */
    const char *path;        /* "config/database.yml", for the sources; NULL without a file. */
    const char *environment; /* Rails.env */
    bool needs_no_password;  /* One that is not read here is left out. */
    int (*line_in_file)(const void *argument, int line);
    const void *argument;
    struct value_pool *pool;
};

/* Appends the databases that count, in Rails' order. The finding's line is that of the file, its
 * text begins with what it is about. */
enum reading configurations_resolve(const struct configurations_request *request,
    struct databases *databases, struct reading_note *reading_note);

/* Puts the configuration `primary` first, where there is one. */
void configurations_put_primary_first(struct databases *databases);

/* Warns of each keyword that is left out of its connection, once for all databases. */
void configurations_warn_of(struct databases *databases, const struct database *database);

/* Appends one that was made elsewhere, and warns of it; takes what `database` owns. */
void configurations_append(struct databases *databases, struct database *database);

#endif
