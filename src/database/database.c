/*
 * One database: its description, its release, and whether it can have the lock.
 */
#include "signalbox/database/database.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "database/settings.h"
#include "database/url.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

bool database_is_postgres(const struct database *database) {
    return strcmp(database->adapter, "postgresql") == 0 ||
        strcmp(database->adapter, "postgis") == 0;
}

void database_describe(const struct database *database, struct text *text) {
    if (database_is_sqlite(database)) {
        /* A URL too, to Rails: and a relative path stays one, unlike behind `sqlite3:///`. */
        text_append_format(
            text, "%s:%s", database->adapter, database->name == NULL ? "" : database->name);
        return;
    }
    text_append_format(
        text, "%s://", database_is_postgres(database) ? "postgresql" : database->adapter);
    if (database->user != NULL) {
        text_append_format(text, "%s@", database->user);
    }
    if (database->host != NULL) {
        text_append_string(text, database->host);
    }
    if (database->port != NULL) {
        text_append_format(text, ":%s", database->port);
    }
    text_append_format(text, "/%s", database->name == NULL ? "" : database->name);
}

void database_append_variable(const struct database *database, struct text *text) {
    const char *role = strcmp(database->role, "primary") == 0 ? "" : database->role;
    for (const char *at = role; *at != '\0'; at++) {
        char upper = (char)toupper((unsigned char)*at);
        text_append(text, &upper, 1);
    }
    text_append_string(text, role[0] == '\0' ? "DATABASE_URL" : "_DATABASE_URL");
}

void database_release(struct database *database) {
    char *const strings[] = {database->role, database->adapter, database->host, database->port,
        database->name, database->user, database->password, database->schema_search_path,
        database->source};
    for (size_t i = 0; i < ARRAY_LENGTH(strings); i++) {
        free(strings[i]);
    }
    for (size_t i = 0; i < CREATION_COUNT; i++) {
        free(database->creation[i]);
    }
    string_list_release(&database->keywords);
    string_list_release(&database->values);
    string_list_release(&database->unknown);
    string_list_release(&database->migrations_paths);
    *database = (struct database){.role = NULL};
}

void database_list_release(struct databases *databases) {
    for (size_t i = 0; i < databases->count; i++) {
        database_release(&databases->items[i]);
    }
    free(databases->items);
    if (databases->replaced != NULL) {
        database_release(databases->replaced);
        free(databases->replaced);
    }
    string_list_release(&databases->warnings);
    *databases = (struct databases){.items = NULL};
}

/* Never silently none: what there is instead. */
#define OTHER_CHOICES                                                                              \
    ": choose --lock=file:PATH for the replicas of one host, --lock=none, a postgresql:// URL in " \
    "SIGNALBOX_DATABASE_URL, or SIGNALBOX_PREPARE=never and prepare before the deploy"

static int check_adapter(const struct database *database, struct error *error) {
    static const struct {
        const char *adapter;
        const char *why;
    } others[] = {
        {"sqlite3",
            "SQLite has no server that could keep a lock: remove --lock=postgres, and a file "
            "beside the database is the lock"},
        {"cockroachdb",
            "CockroachDB gives an advisory lock to every session that asks, so it keeps no "
            "replicas apart" OTHER_CHOICES},
        {"mysql2", "MySQL has no lock that Signalbox uses, only PostgreSQL has" OTHER_CHOICES},
        {"trilogy", "MySQL has no lock that Signalbox uses, only PostgreSQL has" OTHER_CHOICES},
    };
    if (database_is_postgres(database)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcmp(others[i].adapter, database->adapter) == 0) {
            error_set(error, EXIT_STATUS_CONFIGURATION, "%s: the adapter is %s; %s",
                database->source, database->adapter, others[i].why);
            return -1;
        }
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "%s: `%.40s` has no advisory lock that Signalbox can use, only PostgreSQL "
        "has" OTHER_CHOICES,
        database->source, database->adapter);
    return -1;
}

static bool is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* What could lead libpq to a server: keywords and the variables that stand in for them. */
static bool names_host(const struct database *database) {
    static const struct {
        const char *keyword;
        const char *variable;
    } ways[] = {{"hostaddr", "PGHOSTADDR"}, {"service", "PGSERVICE"}};
    if (database->host != NULL ? database->host[0] != '\0' : is_set("PGHOST")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ways); i++) {
        if (is_set(ways[i].variable)) {
            return true;
        }
        for (size_t k = 0; k < database->keywords.count; k++) {
            if (strcmp(database->keywords.items[k], ways[i].keyword) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool has_local_socket(const struct database *database) {
    static const char *const directories[] = {"/var/run/postgresql", "/run/postgresql"};
    const char *port = database->port;
    if (port == NULL || port[0] == '\0') {
        port = is_set("PGPORT") ? getenv("PGPORT") : "5432";
    }
    for (size_t i = 0; i < ARRAY_LENGTH(directories); i++) {
        AUTO_TEXT struct text path = {.data = NULL};
        struct stat status;
        text_append_format(&path, "%s/.s.PGSQL.%s", directories[i], port);
        if (stat(text_string(&path), &status) == 0 && S_ISSOCK(status.st_mode)) {
            return true;
        }
    }
    return false;
}

bool database_names_server(const struct database *database) {
    return names_host(database) || has_local_socket(database);
}

int database_list_check_first(const struct databases *databases, struct error *error) {
    const struct database *first = &databases->items[0];
    if (check_adapter(first, error) != 0) {
        return -1;
    }
    if (first->name == NULL || first->name[0] == '\0') {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s names no database: add its name, postgresql://…/NAME or `database: NAME`",
            first->source);
        return -1;
    }
    if (!database_names_server(first)) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s names no host for the database %s, and no server's socket is in "
            "/var/run/postgresql: "
            "set DATABASE_URL, or PGHOST, or `host:` in config/database.yml",
            first->source, first->name);
        return -1;
    }
    return 0;
}

int database_from_url(
    const char *url, const char *source, struct database *database, struct error *error) {
    AUTO_VALUE_POOL struct value_pool pool = {.values = NULL};
    struct value *settings = NULL;
    struct reading_note reading_note;
    *database = (struct database){.role = NULL};
    enum reading reading = url_read(url, &pool, &settings, &reading_note);
    if (reading == READ_WELL && value_get(settings, "adapter") == NULL) {
        reading = reading_note_set(&reading_note, READ_WRONG, 0, "%s", URL_IS_NONE);
    }
    if (reading == READ_WELL) {
        reading = settings_to_database(settings, database, &reading_note);
    }
    database->role = string_copy("primary");
    database->source = string_copy(source);
    if (reading != READ_WELL) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s %s", source, reading_note.what);
        return -1;
    }
    return 0;
}
