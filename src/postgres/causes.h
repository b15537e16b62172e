/*
 * What lasts and what passes: a table over the codes and texts of libpq, PostgreSQL and the poolers
 * that stand in front of it. Pure.
 *
 * The default is to pass: what is not in the table is tried again until the connect timeout, since
 * a boot that waits a minute for nothing costs less than one that ends at an unknown word.
 */
#ifndef POSTGRES_CAUSES_H
#define POSTGRES_CAUSES_H

#include "signalbox/postgres/session.h"

/* `sqlstate` is "" where the server gave none. *advice is what a person can do about it, or NULL
 * where the message says it all. */
enum session_trouble causes_find(const char *sqlstate, const char *message, const char **advice);

#endif
