/*
 * Where the databases are looked for, in Rails' order, and the rules for each of them. An
 * application may move its configuration or set variables while it loads, so that is checked before
 * any file is believed (app_overrides.c).
 */
#include <string.h>

#include "database/app_overrides.h"
#include "database/configurations.h"
#include "database/erb.h"
#include "database/settings.h"
#include "database/url.h"
#include "database/yaml.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/file.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

#define CONFIGURATION_PATH "config/database.yml"

static const char *from_environment(const char *name) {
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* The finding with its place in front. */
static enum databases_found conclude(enum reading reading, const char *path,
    const struct reading_note *reading_note, struct error *error) {
    if (reading == READ_WELL) {
        return DATABASES_FOUND;
    }
    if (path != NULL && reading_note->line > 0) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s:%d: %s", path, reading_note->line,
            reading_note->what);
    } else if (path != NULL && reading == READ_UNCLEAR) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s: %s", path, reading_note->what);
    } else {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s", reading_note->what);
    }
    return reading == READ_UNCLEAR ? DATABASES_UNCLEAR : DATABASES_WRONG;
}

static int line_of_rendering(const void *argument, int line) {
    return erb_rendering_line(argument, line);
}

static enum reading resolve_template(const struct databases_request *request,
    const struct text *template, struct databases *databases, struct reading_note *reading_note) {
    AUTO_RENDERING struct rendering rendering = {.lines = NULL};
    AUTO_VALUE_POOL struct value_pool pool = {.values = NULL};
    struct configurations_request resolution = {
        .path = CONFIGURATION_PATH,
        .environment = request->environment,
        .needs_no_password = request->needs_no_password,
        .line_in_file = line_of_rendering,
        .argument = &rendering,
        .pool = &pool,
    };
    enum reading reading = erb_render(
        text_string(template), template->length, request->environment, &rendering, reading_note);
    if (reading != READ_WELL) {
        return reading;
    }
    reading = yaml_read(
        text_string(&rendering.text), rendering.text.length, &pool, &resolution.root, reading_note);
    if (reading != READ_WELL) {
        reading_note->line = erb_rendering_line(&rendering, reading_note->line);
        return reading;
    }
    reading = configurations_resolve(&resolution, databases, reading_note);
    const struct reading_note *unread = erb_rendering_unread(&rendering, reading_note->line);
    if (reading == READ_UNCLEAR && unread != NULL) {
        *reading_note = *unread;
    }
    return reading;
}

/* Whether the line, from 1, is the one of a password. */
static bool is_line_of_password(const char *template, int line) {
    for (; line > 1 && template != NULL; line--) {
        const char *end = strchr(template, '\n');
        template = end == NULL ? NULL : end + 1;
    }
    return line == 1 && template != NULL &&
        string_has_prefix(template + strspn(template, " \t"), "password:");
}

/* A program that makes a password in Ruby has a sister on the command line, and its password lasts
 * for as long as a replica may wait. */
static void point_to_password_command(const struct databases_request *request,
    const struct text *template, int line, struct error *error) {
    if (!request->needs_no_password && is_line_of_password(text_string(template), line)) {
        struct error unclear = *error;
        error_set(error, unclear.exit_status,
            "%.320s (SIGNALBOX_PASSWORD_COMMAND can ask a program for the passwords instead)",
            unclear.text);
    }
}

static enum databases_found find_in_file(const struct databases_request *request,
    const struct text *template, struct databases *databases, struct error *error) {
    struct reading_note reading_note = {.line = 0};
    enum reading reading = resolve_template(request, template, databases, &reading_note);
    if (reading == READ_WELL && databases->count == 0) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            CONFIGURATION_PATH
            " has no database for the environment `%s` that Rails' tasks touch, and DATABASE_URL "
            "is "
            "not set: SIGNALBOX_DATABASE_URL can say where to lock, or --lock=file:PATH",
            request->environment);
        return DATABASES_WRONG;
    }
    enum databases_found found = conclude(reading, CONFIGURATION_PATH, &reading_note, error);
    if (found == DATABASES_UNCLEAR) {
        point_to_password_command(request, template, reading_note.line, error);
    }
    return found;
}

/* Without a file: a URL, or libpq's own variables. */
static enum databases_found find_in_environment(
    const struct databases_request *request, struct databases *databases, struct error *error) {
    struct reading_note reading_note = {.line = 0};
    AUTO_VALUE_POOL struct value_pool pool = {.values = NULL};
    struct configurations_request resolution = {.environment = request->environment, .pool = &pool};
    enum reading reading = configurations_resolve(&resolution, databases, &reading_note);
    if (reading != READ_WELL || databases->count > 0) {
        return conclude(reading, NULL, &reading_note, error);
    }
    struct value *settings = value_make(&pool, VALUE_MAPPING, NULL, 0, 0);
    value_put(&pool, settings, value_make(&pool, VALUE_STRING, "adapter", strlen("adapter"), 0),
        value_make(&pool, VALUE_STRING, "postgresql", strlen("postgresql"), 0));
    struct database database;
    const char *source = from_environment("PGDATABASE") == NULL ? "PGSERVICE" : "PGDATABASE";
    reading = settings_to_database(settings, &database, &reading_note);
    if (reading != READ_WELL) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s: %s", source, reading_note.what);
        database_release(&database);
        return DATABASES_WRONG;
    }
    if (database.name == NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "no database is named: there is no " CONFIGURATION_PATH
            " here, so set DATABASE_URL, or SIGNALBOX_DATABASE_URL to say only where to lock, or "
            "SIGNALBOX_PREPARE=never for a container that must not prepare");
        database_release(&database);
        return DATABASES_WRONG;
    }
    database.role = string_copy("primary");
    database.source = string_copy(source);
    configurations_append(databases, &database);
    return DATABASES_FOUND;
}

static enum databases_found find_configured(
    const struct databases_request *request, struct databases *databases, struct error *error) {
    AUTO_TEXT struct text template = {.data = NULL};
    AUTO_TEXT struct text place = {.data = NULL};
    struct reading_note reading_note;
    enum databases_found found = DATABASES_WRONG;
    enum file_reading file = file_read(
        request->directory, CONFIGURATION_PATH, APP_OVERRIDES_FILE_MOST, &template, error);
    bool needs = false;
    if (file != FILE_UNREADABLE &&
        app_overrides_change(request->directory, request->environment, text_string(&template),
            &place, &needs, &reading_note)) {
        databases->need_initializers = needs;
        return conclude(READ_UNCLEAR, text_string(&place), &reading_note, error);
    }
    switch (file) {
    case FILE_READ:
        found = find_in_file(request, &template, databases, error);
        break;
    case FILE_MISSING:
        found = find_in_environment(request, databases, error);
        break;
    case FILE_UNREADABLE:
        break;
    }
    if (found == DATABASES_FOUND) {
        configurations_put_primary_first(databases);
    } else {
        database_list_release(databases);
    }
    return found;
}

static void exchange(char **one, char **other) {
    char *kept = *one;
    *one = *other;
    *other = kept;
}

/* --database-url names another way to the first database, or another database before it. */
static void put_given_first(struct databases *databases, struct database *given) {
    struct database *first = databases->count > 0 ? &databases->items[0] : NULL;
    bool is_same = first != NULL && first->name != NULL && given->name != NULL &&
        database_is_postgres(first) && strcmp(first->name, given->name) == 0;
    if (!is_same) {
        given->is_for_lock_only = first != NULL;
        configurations_append(databases, given);
        struct database moved = databases->items[databases->count - 1];
        memmove(databases->items + 1, databases->items,
            (databases->count - 1) * sizeof *databases->items);
        databases->items[0] = moved;
        return;
    }
    configurations_warn_of(databases, given);
    /* What belongs to the database stays, what belongs to the way to it goes. */
    exchange(&given->role, &first->role);
    if (given->schema_search_path == NULL) {
        exchange(&given->schema_search_path, &first->schema_search_path);
    }
    struct string_list paths = given->migrations_paths;
    given->migrations_paths = first->migrations_paths;
    first->migrations_paths = paths;
    for (size_t i = 0; i < CREATION_COUNT; i++) {
        if (given->creation[i] == NULL) {
            exchange(&given->creation[i], &first->creation[i]);
        }
    }
    databases->replaced = memory_allocate(1, sizeof *databases->replaced);
    *databases->replaced = *first;
    *first = *given;
    *given = (struct database){.role = NULL};
}

enum databases_found database_list_find(
    const struct databases_request *request, struct databases *databases, struct error *error) {
    struct database given;
    struct error ignored;
    *databases = (struct databases){.items = NULL};
    if (request->given_url == NULL) {
        return find_configured(request, databases, error);
    }
    if (database_from_url(request->given_url, request->given_source, &given, error) != 0) {
        database_release(&given);
        return DATABASES_WRONG;
    }
    /* The others are known as far as they can be read; where to lock does not depend on them. */
    bool need_rails = find_configured(request, databases, &ignored) == DATABASES_UNCLEAR;
    put_given_first(databases, &given);
    databases->need_rails = need_rails;
    return DATABASES_FOUND;
}
