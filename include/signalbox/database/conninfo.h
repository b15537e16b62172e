/*
 * The way to a database as libpq takes it: its keywords with their values.
 */
#ifndef SIGNALBOX_DATABASE_CONNINFO_H
#define SIGNALBOX_DATABASE_CONNINFO_H

#include "signalbox/database/database.h"

/* Both arrays end with NULL; the strings are the database's own. */
struct conninfo {
    const char **keywords;
    const char **values;
};

/* `name` in place of the database's own name, as for a CREATE DATABASE; NULL where its own is
 * meant. Of several hosts the one that can be written to, unless the configuration or the
 * environment says otherwise. */
void conninfo_of(const struct database *database, const char *name, struct conninfo *conninfo);

void conninfo_release(struct conninfo *conninfo);
#define AUTO_CONNINFO __attribute__((cleanup(conninfo_release)))

#endif
