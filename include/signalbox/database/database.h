/*
 * Which database the lock and the ledger live in. Never a wrong one: what is not understood for
 * certain is an error and not a guess. The password is kept apart from everything that is printed.
 */
#ifndef SIGNALBOX_DATABASE_DATABASE_H
#define SIGNALBOX_DATABASE_DATABASE_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"

/* NULL means not named, where libpq's own PG* variables and defaults apply. */
struct database {
    char *host;
    char *port;
    char *name; /* Never NULL in what database_find gives. */
    char *user;
    char *password;
    struct string_list keywords; /* Further connection keywords, in the order given, with … */
    struct string_list values;   /* … the value of each at the same index. */
    char *source;                /* Where it was found: "DATABASE_URL". */
};

/* `postgresql://user:password@host:port/name?keyword=value`, as ActiveRecord reads it: every part
 * percent-decoded, a `+` literal, query parameters overriding the parts. -1 with the error filled
 * (status 78, no part of the URL that could be secret) where it cannot be used. */
int database_from_url(
    const char *url, const char *source, struct database *database, struct error *error) MUST_USE;

/* The app's first database: `given_url` with the name of the option it came from, otherwise
 * PRIMARY_DATABASE_URL, otherwise DATABASE_URL of the environment. */
int database_find(const char *given_url, const char *given_source, struct database *database,
    struct error *error) MUST_USE;

/* For people: "postgresql://shop@db:5432/shop_production", without the password. */
void database_describe(const struct database *database, struct text *text);

void database_release(struct database *database);

#endif
