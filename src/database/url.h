/*
 * A database URL as the settings that ActiveRecord makes of it.
 */
#ifndef DATABASE_URL_H
#define DATABASE_URL_H

#include "database/reading.h"
#include "database/value.h"

/* A mapping of adapter, host, port, username, password, database and the query's parameters, only
 * of what is not blank. White space around `text` is left away, as ActiveRecord does. The finding's
 * text goes behind the URL's source and has nothing of the URL in it. */
enum reading url_read(const char *text, struct value_pool *pool, struct value **settings,
    struct reading_note *reading_note);

/* For where there must be a scheme. */
#define URL_IS_NONE "is not a URL: write postgresql://USER:PASSWORD@HOST:PORT/NAME"
#define URL_IS_QUOTED                                                                              \
    "begins with a quotation mark: take the marks away, which `docker --env-file` and the like "   \
    "pass on as they stand"

/* Whether ActiveRecord takes it for a URL that is no connection's and leaves the settings alone. */
bool url_is_foreign(const char *url);

#endif
