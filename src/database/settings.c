/*
 * Which settings decide, under which of their names. `username` and `database` are ActiveRecord's
 * names and win over `user` and `dbname`, which reach libpq as they stand. Settings that are none
 * of libpq's are ActiveRecord's own business and dropped.
 */
#include "database/settings.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/postgres/session.h"

static const char *const creation_names[] = {
    [CREATION_ENCODING] = "encoding",
    [CREATION_TEMPLATE] = "template",
    [CREATION_COLLATION] = "collation",
    [CREATION_CTYPE] = "ctype",
    [CREATION_LOCALE] = "locale",
    [CREATION_LOCALE_PROVIDER] = "locale_provider",
    [CREATION_OWNER] = "owner",
    [CREATION_TABLESPACE] = "tablespace",
    [CREATION_CONNECTION_LIMIT] = "connection_limit",
};
_Static_assert(ARRAY_LENGTH(creation_names) == CREATION_COUNT, "every setting has a name");

const char *settings_creation_name(enum creation_setting setting) {
    return creation_names[setting];
}

/* value.to_s in memory of the caller; NULL for nil. */
static enum reading copy_text(
    const struct value *value, const char *key, char **copy, struct reading_note *reading_note) {
    *copy = NULL;
    if (value == NULL) {
        return READ_WELL;
    }
    switch (value->kind) {
    case VALUE_NIL:
        return READ_WELL;
    case VALUE_FALSE:
        *copy = string_copy("false");
        return READ_WELL;
    case VALUE_TRUE:
        *copy = string_copy("true");
        return READ_WELL;
    case VALUE_INTEGER:
    case VALUE_STRING:
    case VALUE_SYMBOL:
        *copy = string_copy(value->text);
        return READ_WELL;
    case VALUE_UNCLEAR:
    case VALUE_UNREAD:
    case VALUE_SEQUENCE:
    case VALUE_MAPPING:
        break;
    }
    return reading_note_set(reading_note, READ_UNCLEAR, value->line,
        "the value of `%.40s` is of a kind that only Ruby can print", key);
}

static bool is_true(const struct value *value) {
    return value != NULL && value->kind != VALUE_NIL && value->kind != VALUE_FALSE;
}

enum reading settings_count(const struct value *settings, bool is_from_url, bool *counts,
    struct reading_note *reading_note) {
    const struct value *replica = value_get(settings, "replica");
    const struct value *tasks = value_get(settings, "database_tasks");
    const struct value *const flags[] = {replica, tasks, value_get(settings, "tenanted")};
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (flags[i] != NULL && flags[i]->kind == VALUE_UNREAD) {
            return reading_note_set(reading_note, READ_UNCLEAR, flags[i]->line,
                "whether Rails' tasks touch this database is not known here");
        }
    }
    for (size_t i = 0; is_from_url && i < 2; i++) {
        if (flags[i] != NULL && flags[i]->kind == VALUE_STRING &&
            strcmp(flags[i]->text, "false") == 0) {
            return reading_note_set(reading_note, READ_UNCLEAR, flags[i]->line,
                "Rails 7.1 and 7.2 do not agree on `%s=false` beside a URL",
                i == 0 ? "replica" : "database_tasks");
        }
    }
    /* activerecord-tenanted makes databases of it while the application runs. */
    bool is_tenanted = is_true(value_get(settings, "tenanted"));
    if (is_tenanted && is_true(tasks)) {
        return reading_note_set(reading_note, READ_UNCLEAR, tasks->line,
            "whether Rails' tasks touch a `tenanted` database is not known here");
    }
    *counts = !is_true(replica) && !is_tenanted && (tasks == NULL || is_true(tasks));
    return READ_WELL;
}

/* The first of the two keys that is there. */
static enum reading copy_either(const struct value *settings, const char *key, const char *other,
    char **copy, struct reading_note *reading_note) {
    const struct value *value = value_get(settings, key);
    bool has_first = is_true(value);
    return copy_text(has_first ? value : value_get(settings, other), has_first ? key : other, copy,
        reading_note);
}

static enum reading copy_paths(
    const struct value *paths, struct string_list *list, struct reading_note *reading_note) {
    char *path = NULL;
    if (paths == NULL || paths->kind != VALUE_SEQUENCE) {
        enum reading reading = copy_text(paths, "migrations_paths", &path, reading_note);
        if (path != NULL) {
            string_list_append_owned(list, path);
        }
        return reading;
    }
    for (size_t i = 0; i < paths->count; i++) {
        enum reading reading = copy_text(paths->items[i], "migrations_paths", &path, reading_note);
        if (reading != READ_WELL) {
            return reading;
        }
        if (path != NULL) {
            string_list_append_owned(list, path);
        }
    }
    return READ_WELL;
}

static bool is_handled(const char *key) {
    static const char *const handled[] = {"host", "port", "user", "password", "dbname"};
    for (size_t i = 0; i < ARRAY_LENGTH(handled); i++) {
        if (strcmp(handled[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* A line break at the end of a variable must never become a part of a name. */
static enum reading check_plain(
    const char *key, const char *text, int line, struct reading_note *reading_note) {
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at)) {
            return reading_note_set(reading_note, READ_WRONG, line,
                "`%.40s` has a line break, a tab or another control character in it", key);
        }
    }
    return READ_WELL;
}

/* Where a whole URL was taken for a name, its password would be shown with it. A path of SQLite's
 * may begin with `file:`. */
static enum reading check_name(
    const char *key, const char *text, int line, struct reading_note *reading_note) {
    const char *colon = text == NULL || string_has_prefix(text, "file:") ? NULL : strchr(text, ':');
    if (colon != NULL && strchr(colon, '@') != NULL) {
        return reading_note_set(reading_note, READ_WRONG, line,
            "`%.40s` has a `:` and an `@` in it, like a URL with a password: write "
            "`url: postgresql://USER:PASSWORD@HOST:PORT/NAME`, or each part by itself",
            key);
    }
    return check_plain(key, text, line, reading_note);
}

/* Whether a key that our libpq has not is still one of a connection's: a newer libpq's (the
 * application may carry one), or a slip. What is ActiveRecord's own is none. */
static bool looks_like_keyword(const char *key) {
    static const char *const beginnings[] = {"ssl", "gss", "krb", "oauth_", "scram_", "tcp_",
        "keepalives", "channel_", "min_protocol", "max_protocol", "require_", "load_balance",
        "target_", "host_", "hostaddr", "servicefile", "passfile"};
    /* Nothing else is shown: where a URL is broken its keys may be anything. */
    bool is_word = key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
    for (size_t i = 0; is_word && i < ARRAY_LENGTH(beginnings); i++) {
        if (string_has_prefix(key, beginnings[i])) {
            return true;
        }
    }
    return false;
}

/* What is left and is a keyword of libpq. */
static enum reading copy_keywords(
    const struct value *settings, struct database *database, struct reading_note *reading_note) {
    for (size_t i = 0; i < settings->count; i++) {
        const struct value *key = settings->pairs[i].key;
        bool is_named = key->kind == VALUE_STRING || key->kind == VALUE_SYMBOL;
        if (!is_named || is_handled(key->text)) {
            continue;
        }
        if (!session_knows_keyword(key->text)) {
            if (looks_like_keyword(key->text)) {
                string_list_append(&database->unknown, key->text);
            }
            continue;
        }
        char *value = NULL;
        enum reading reading = copy_text(settings->pairs[i].value, key->text, &value, reading_note);
        if (reading != READ_WELL) {
            return reading;
        }
        if (value == NULL) {
            continue;
        }
        string_list_append(&database->keywords, key->text);
        string_list_append_owned(&database->values, value);
        if (strcmp(key->text, "options") != 0 && strcmp(key->text, "sslpassword") != 0) {
            reading = check_plain(key->text, value, settings->pairs[i].value->line, reading_note);
        }
        if (reading != READ_WELL) {
            return reading;
        }
    }
    return READ_WELL;
}

/* Where the settings name no database, libpq's own way to one is left. */
static enum reading find_name(struct database *database, struct reading_note *reading_note) {
    const char *service = NULL;
    for (size_t i = 0; i < database->keywords.count; i++) {
        if (strcmp(database->keywords.items[i], "service") == 0) {
            service = database->values.items[i];
        }
    }
    database->name = session_default_name(service);
    return check_name("database", database->name, 0, reading_note);
}

static enum reading copy_creation(
    const struct value *settings, struct database *database, struct reading_note *reading_note) {
    for (size_t i = 0; i < CREATION_COUNT; i++) {
        enum reading reading = copy_text(value_get(settings, creation_names[i]), creation_names[i],
            &database->creation[i], reading_note);
        if (reading == READ_WELL) {
            reading = check_plain(creation_names[i], database->creation[i], 0, reading_note);
        }
        if (reading != READ_WELL) {
            return reading;
        }
    }
    return READ_WELL;
}

/* ActiveRecord sets each of `variables:` that is not nil when it has connected. Rails' own answer
 * has their names only. */
static bool sets_lock_timeout(const struct value *variables) {
    static const char name[] = "lock_timeout";
    if (variables == NULL) {
        return false;
    }
    for (size_t i = 0; variables->kind == VALUE_SEQUENCE && i < variables->count; i++) {
        const char *text = variables->items[i]->text;
        if (text != NULL && strcasecmp(text, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; variables->kind == VALUE_MAPPING && i < variables->count; i++) {
        const struct pair *pair = &variables->pairs[i];
        if (pair->key->text != NULL && strcasecmp(pair->key->text, name) == 0 &&
            pair->value->kind != VALUE_NIL) {
            return true;
        }
    }
    return variables->kind == VALUE_UNREAD || variables->kind == VALUE_UNCLEAR;
}

enum reading settings_to_database(
    const struct value *settings, struct database *database, struct reading_note *reading_note) {
    const struct {
        const char *key;
        const char *other;
        char **place;
        bool is_name; /* Shown, and nothing that a control character can be a part of. */
    } parts[] = {
        {"adapter", "adapter", &database->adapter, true},
        {"host", "host", &database->host, true},
        {"port", "port", &database->port, true},
        {"username", "user", &database->user, true},
        {"password", "password", &database->password, false},
        {"database", "dbname", &database->name, true},
        {"schema_search_path", "schema_order", &database->schema_search_path, false},
    };
    *database = (struct database){.role = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        enum reading reading =
            copy_either(settings, parts[i].key, parts[i].other, parts[i].place, reading_note);
        if (reading == READ_WELL && parts[i].is_name) {
            const struct value *value = value_get(settings, parts[i].key);
            reading = check_name(
                parts[i].key, *parts[i].place, value == NULL ? 0 : value->line, reading_note);
        }
        if (reading != READ_WELL) {
            return reading;
        }
    }
    if (database->adapter == NULL) {
        return reading_note_set(reading_note, READ_WRONG, 0,
            "names no adapter: it needs `adapter: postgresql`, or a URL");
    }
    database->sets_lock_timeout = sets_lock_timeout(value_get(settings, "variables"));
    enum reading reading = copy_paths(
        value_get(settings, "migrations_paths"), &database->migrations_paths, reading_note);
    if (reading == READ_WELL && database_is_postgres(database)) {
        reading = copy_creation(settings, database, reading_note);
        if (reading == READ_WELL) {
            reading = copy_keywords(settings, database, reading_note);
        }
        if (reading == READ_WELL && database->name == NULL) {
            reading = find_name(database, reading_note);
        }
    }
    return reading;
}
