/*
 * The databases that Rails' tasks touch, in the environment that the command runs in. Never a wrong
 * one: what is not understood for certain is not guessed but asked of Rails (ask_rails.h). A
 * password is kept apart from everything that is printed.
 */
#ifndef SIGNALBOX_DATABASE_DATABASE_H
#define SIGNALBOX_DATABASE_DATABASE_H

#include <stdbool.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

/* What a CREATE DATABASE takes from the configuration. */
enum creation_setting {
    CREATION_ENCODING,
    CREATION_TEMPLATE,
    CREATION_COLLATION,
    CREATION_CTYPE,
    CREATION_LOCALE,
    CREATION_LOCALE_PROVIDER,
    CREATION_OWNER,
    CREATION_TABLESPACE,
    CREATION_CONNECTION_LIMIT,
    CREATION_COUNT
};

struct password_command;

/* NULL means not named, where libpq's own PG* variables and defaults apply; "" means named as
 * nothing, which keeps those variables out. */
struct database {
    char *role;    /* The name of its configuration: "primary", "cache". */
    char *adapter; /* "postgresql", "postgis", "sqlite3", …; never NULL. */
    char *host;    /* Several are separated by commas, with their ports at the same places. */
    char *port;
    char *name; /* Never NULL in the first of what database_list_find gives. */
    char *user;
    char *password;
    struct password_command *password_command; /* Asked in place of it, or NULL; not owned. */
    struct string_list keywords; /* Further keywords of libpq, in the order given, with … */
    struct string_list values;   /* … the value of each at the same index. */
    struct string_list unknown;  /* Keys that look like libpq's, and our libpq has not. */
    char *schema_search_path;    /* As it stands in the configuration, or NULL. */
    struct string_list migrations_paths; /* Empty: Rails' own default, db/migrate. */
    char *creation[CREATION_COUNT];      /* NULL where the configuration says nothing. */
    char *source;                        /* Where it was found: "config/database.yml:23". */
    bool is_for_lock_only;               /* --database-url names none of Rails' databases. */
    bool has_own_url;       /* The file's `url:`, which the environment's URL does not beat. */
    bool sets_lock_timeout; /* Its `variables:` do, after connecting, or only Ruby knows that. */
};

/* Whether the adapter is PostgreSQL's, whose locks and ledger are the ones that are used. */
bool database_is_postgres(const struct database *database);

bool database_is_sqlite(const struct database *database);

/* Where a SQLite database's file is or will be: an absolute path, symbolic links followed as far as
 * they exist. `directory` is the application's. False where it has no
 * file: another adapter, no name, a database in memory. */
bool database_sqlite_path(
    const struct database *database, const char *directory, struct text *path) MUST_USE;

/* Whether anything leads to a server: a host, one of libpq's variables, or a server's socket where
 * libpq looks for it. */
bool database_names_server(const struct database *database);

/* The variable whose URL says where the database is, for the role "queue" QUEUE_DATABASE_URL. */
void database_append_variable(const struct database *database, struct text *text);

/* The key of a setting in database.yml: "encoding". */
const char *settings_creation_name(enum creation_setting setting);

/* `postgresql://user:password@host:port/name?keyword=value`, as ActiveRecord reads it: every part
 * percent-decoded, a `+` literal, query parameters overriding the parts. -1 with the error filled
 * (status 78, no part of the URL that could be secret) where it cannot be used. */
int database_from_url(
    const char *url, const char *source, struct database *database, struct error *error) MUST_USE;

/* For people: "postgresql://shop@db:5432/shop_production", without the password. */
void database_describe(const struct database *database, struct text *text);

void database_release(struct database *database);

/* Those that count: not `replica: true`, not `database_tasks: false`. The first has the lock and
 * the ledger. */
struct databases {
    struct database *items; /* NULL while empty. */
    size_t count;
    struct database *replaced; /* The application's own way to the first, where --database-url gives
                                  another one; otherwise NULL. */
    bool need_rails; /* --database-url says where to lock; which there are, only Rails can say. */
    /* Where they are unclear: only a Rails that has run its initializers can say. */
    bool need_initializers;
    struct string_list warnings; /* A sentence each, for the log. */
};

void database_list_release(struct databases *databases);

struct databases_request {
    const char *given_url;    /* --database-url, or NULL. */
    const char *given_source; /* The name of the option or variable it came from. */
    const char *environment;  /* Rails.env */
    const char *directory;    /* The application's. */
    bool needs_no_password;   /* It comes from elsewhere, so none has to be read. */
};

enum databases_found {
    DATABASES_FOUND,
    DATABASES_UNCLEAR, /* Only Rails can say; the error's text says which line makes that so. */
    DATABASES_WRONG    /* The error says what, with status 78. */
};

/* --database-url, config/database.yml with DATABASE_URL and its like merged over it, DATABASE_URL
 * alone, or libpq's own variables. Reads files; connects to nothing. */
enum databases_found database_list_find(const struct databases_request *request,
    struct databases *databases, struct error *error) MUST_USE;

/* Makes each relative file that the settings or libpq's own variables name (certificates, keys,
 * passfiles) one of the application's directory, where Rails opens it. Changes those variables for
 * this process: once, after the databases are known. */
void database_list_place_files(struct databases *databases, const char *directory);

/* Whether the first of them can have the lock: -1 with the error filled (78) where its adapter has
 * no lock that is used, where it has no name, or where no server is named and no socket is there.
 */
int database_list_check_first(const struct databases *databases, struct error *error) MUST_USE;

#endif
