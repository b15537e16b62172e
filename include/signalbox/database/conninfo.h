/*
 * The way to a database as libpq's own parser takes it.
 */
#ifndef SIGNALBOX_DATABASE_CONNINFO_H
#define SIGNALBOX_DATABASE_CONNINFO_H

#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

/* Appends `keyword='value'` for each setting, the password among them unless a program is asked for
 * it. `name` stands in place of
 * the database's own name, as for a CREATE DATABASE; NULL where its own is meant. Of several hosts
 * the one that can be written to is asked for, unless the configuration or the environment says
 * otherwise. The application name is signalbox/HOST where the configuration has none. */
void conninfo_write(const struct database *database, const char *name, struct text *conninfo);

#endif
