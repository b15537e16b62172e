/*
 * Rails::Application::Configuration#database_configuration (`shared:`) and then
 * ActiveRecord::DatabaseConfigurations (flat and three-tier sections, `url:`, the environment's
 * URLs). What they do by changing hashes in place is done in place here too, since an alias and its
 * anchor are one hash there. A `url:` in the file keeps the environment's URL out.
 */
#include "database/configurations.h"

#include <ctype.h>
#include <string.h>

#include "database/settings.h"
#include "database/url.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

struct resolver {
    const struct configurations_request *request;
    struct databases *databases;
    struct reading_note *reading_note;
};

static int file_line(const struct resolver *resolver, int line) {
    const struct configurations_request *request = resolver->request;
    return request->line_in_file == NULL ? line : request->line_in_file(request->argument, line);
}

static enum reading wrong(const struct resolver *resolver, int line, const char *what) {
    return reading_note_set(
        resolver->reading_note, READ_WRONG, file_line(resolver, line), "%s", what);
}

/* One environment's part of `shared:`; false where Rails would raise. */
static bool share_with(struct value_pool *pool, struct value *config, const struct value *shared) {
    if (config->kind != VALUE_MAPPING || shared->kind != VALUE_MAPPING) {
        return false;
    }
    if (!value_is_of_mappings(config)) {
        value_merge_missing(pool, config, shared);
        return true;
    }
    bool is_by_name = value_is_of_mappings(shared);
    for (size_t i = 0; i < config->count; i++) {
        const struct pair *pair = &config->pairs[i];
        const struct value *from = shared;
        if (is_by_name) {
            from = pair->key->text == NULL ? NULL : value_get(shared, pair->key->text);
        }
        if (from != NULL) {
            value_merge_missing(pool, pair->value, from);
        }
    }
    return true;
}

/* Ruby makes the value, and what it is decides. */
static enum reading unread(const struct resolver *resolver, const struct value *value) {
    return reading_note_set(resolver->reading_note, READ_UNCLEAR, file_line(resolver, value->line),
        "only Ruby can say what this is");
}

static enum reading share(const struct resolver *resolver, const struct value *root) {
    const struct value *shared = value_get(root, "shared");
    if (shared == NULL || shared->kind == VALUE_NIL || shared->kind == VALUE_FALSE) {
        return READ_WELL;
    }
    for (size_t i = 0; i < root->count; i++) {
        const struct value *key = root->pairs[i].key;
        if (key->text != NULL && strcmp(key->text, "shared") == 0) {
            continue;
        }
        bool is_ours = key->text != NULL && strcmp(key->text, resolver->request->environment) == 0;
        if (!share_with(resolver->request->pool, root->pairs[i].value, shared) && is_ours) {
            return wrong(resolver, key->line, "`shared:` cannot be merged into this section");
        }
    }
    return READ_WELL;
}

/* The environment's URL for a configuration and the variable's name, as ActiveRecord looks for it:
 * one that is empty is there, and is refused. */
static const char *environment_url(const char *name, struct text *variable) {
    for (const char *at = name; *at != '\0'; at++) {
        char upper = (char)toupper((unsigned char)*at);
        text_append(variable, &upper, 1);
    }
    text_append_string(variable, "_DATABASE_URL");
    const char *url = getenv(text_string(variable));
    if (url == NULL && strcmp(name, "primary") == 0) {
        url = getenv("DATABASE_URL");
        text_release(variable);
        text_append_string(variable, "DATABASE_URL");
    }
    return url;
}

/* settings.merge(what the URL says). */
static enum reading merge_url(const struct resolver *resolver, struct value *settings,
    const char *url, const char *source, int line) {
    struct value *parts = NULL;
    if (url_is_foreign(url)) {
        return READ_WELL;
    }
    struct reading_note in_url;
    enum reading reading = url_read(url, resolver->request->pool, &parts, &in_url);
    if (reading != READ_WELL) {
        return reading_note_set(resolver->reading_note, reading, file_line(resolver, line), "%s %s",
            source, in_url.what);
    }
    value_merge(resolver->request->pool, settings, parts);
    return READ_WELL;
}

static void note_source(
    const struct resolver *resolver, struct database *database, int line, const char *variable) {
    AUTO_TEXT struct text source = {.data = NULL};
    if (variable != NULL) {
        text_append_string(&source, variable);
    }
    if (variable != NULL && line > 0) {
        text_append_string(&source, ", ");
    }
    if (line > 0) {
        text_append_format(&source, "%s:%d", resolver->request->path, file_line(resolver, line));
    }
    database->source = string_copy(text_string(&source));
}

/* `settings` are whole now; appends the database unless it does not count. */
static enum reading append(const struct resolver *resolver, const char *name,
    const struct value *settings, bool is_from_url, int line, const char *variable) {
    struct database database;
    bool counts = false;
    enum reading reading = settings_count(settings, is_from_url, &counts, resolver->reading_note);
    if (reading == READ_WELL && counts) {
        reading = settings_to_database(settings, &database, resolver->reading_note);
        if (reading == READ_WELL && database.name != NULL && strstr(database.name, "%{") != NULL) {
            reading = reading_note_set(resolver->reading_note, READ_UNCLEAR, 0,
                "something else fills in the `%%{…}` of a database's name");
        }
        if (reading == READ_WELL) {
            database.role = string_copy(name);
            database.has_own_url = is_from_url && variable == NULL;
            note_source(resolver, &database, line, variable);
            configurations_append(resolver->databases, &database);
            return READ_WELL;
        }
        database_release(&database);
    }
    if (reading != READ_WELL && resolver->reading_note->line == 0 && variable != NULL) {
        struct reading_note in_url = *resolver->reading_note;
        return reading_note_set(resolver->reading_note, reading, file_line(resolver, line),
            "%.80s: %.150s", variable, in_url.what);
    }
    if (reading != READ_WELL) {
        int found_line = resolver->reading_note->line > 0 ? resolver->reading_note->line : line;
        resolver->reading_note->line = file_line(resolver, found_line);
    }
    return reading;
}

/* A configuration written as a URL alone: the environment's is not looked at. */
static enum reading resolve_string(
    const struct resolver *resolver, const char *name, const struct value *url) {
    struct value *settings = value_make(resolver->request->pool, VALUE_MAPPING, NULL, 0, url->line);
    enum reading reading = merge_url(resolver, settings, url->text, "the URL here", url->line);
    if (reading == READ_WELL && value_get(settings, "adapter") == NULL) {
        return wrong(resolver, url->line, "the URL here " URL_IS_NONE);
    }
    return reading == READ_WELL ? append(resolver, name, settings, true, url->line, NULL) : reading;
}

/* A URL is merged afterwards. */
static bool is_needed_setting(
    const struct configurations_request *request, const struct pair *pair) {
    const char *key = pair->key->text;
    bool is_unknown = pair->value->kind == VALUE_UNREAD || pair->value->kind == VALUE_UNCLEAR;
    return key == NULL ||
        (strcmp(key, "url") != 0 &&
            !(request->needs_no_password && is_unknown && strcmp(key, "password") == 0));
}

static enum reading resolve_mapping(
    const struct resolver *resolver, const char *name, const struct value *config, int line) {
    struct value_pool *pool = resolver->request->pool;
    const struct value *url = value_get(config, "url");
    if (url != NULL && url->kind == VALUE_UNREAD) {
        return unread(resolver, url);
    }
    struct value *settings = value_make(pool, VALUE_MAPPING, NULL, 0, line);
    AUTO_TEXT struct text variable = {.data = NULL};
    for (size_t i = 0; i < config->count; i++) {
        if (is_needed_setting(resolver->request, &config->pairs[i])) {
            value_put(pool, settings, config->pairs[i].key, config->pairs[i].value);
        }
    }
    if (url != NULL && url->kind == VALUE_STRING) {
        enum reading reading =
            merge_url(resolver, settings, url->text, "the `url` here", url->line);
        return reading == READ_WELL ? append(resolver, name, settings, true, line, NULL) : reading;
    }
    if (url != NULL && url->kind != VALUE_NIL && url->kind != VALUE_FALSE) {
        return wrong(resolver, url->line, "`url` is not text");
    }
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) {
            return reading_note_set(resolver->reading_note, READ_UNCLEAR, file_line(resolver, line),
                "a configuration's name that is not ASCII");
        }
    }
    const char *from_environment = environment_url(name, &variable);
    if (from_environment == NULL) {
        return append(resolver, name, settings, false, line, NULL);
    }
    enum reading reading =
        merge_url(resolver, settings, from_environment, text_string(&variable), 0);
    return reading == READ_WELL
        ? append(resolver, name, settings, true, line, text_string(&variable))
        : reading;
}

/* key.to_s: a configuration may be called `off`. */
static const char *name_of(const struct value *key) {
    if (key->text != NULL) {
        return key->text;
    }
    if (key->kind == VALUE_NIL) {
        return "";
    }
    return key->kind == VALUE_TRUE ? "true" : "false";
}

static enum reading resolve_section(
    const struct resolver *resolver, const struct value *key, const struct value *section) {
    if (section->kind == VALUE_STRING) {
        return resolve_string(resolver, "primary", section);
    }
    if (!value_is_of_mappings(section)) {
        return resolve_mapping(resolver, "primary", section, key->line);
    }
    for (size_t i = 0; i < section->count; i++) {
        const struct value *name = section->pairs[i].key;
        enum reading reading =
            resolve_mapping(resolver, name_of(name), section->pairs[i].value, name->line);
        if (reading != READ_WELL) {
            return reading;
        }
    }
    return READ_WELL;
}

/* No section for this environment: only the environment's URL is left. */
static enum reading resolve_without_section(const struct resolver *resolver) {
    AUTO_TEXT struct text variable = {.data = NULL};
    const char *url = environment_url("primary", &variable);
    if (url == NULL) {
        return READ_WELL;
    }
    struct value *settings = value_make(resolver->request->pool, VALUE_MAPPING, NULL, 0, 0);
    enum reading reading = merge_url(resolver, settings, url, text_string(&variable), 0);
    return reading == READ_WELL
        ? append(resolver, "primary", settings, true, 0, text_string(&variable))
        : reading;
}

/* Rails looks at every environment's section, not only at ours. */
static enum reading check_sections(const struct resolver *resolver, const struct value *root) {
    for (size_t i = 0; i < root->count; i++) {
        const struct value *key = root->pairs[i].key;
        const struct value *section = root->pairs[i].value;
        enum value_kind kind = section->kind;
        /* An alias and its anchor are one hash, so that another section's can be a part of ours. */
        const struct value *hidden = kind == VALUE_MAPPING ? value_unread(section)
            : kind == VALUE_UNREAD                         ? section
                                                           : NULL;
        if (hidden != NULL) {
            return unread(resolver, hidden);
        }
        bool is_shared = key->text != NULL && strcmp(key->text, "shared") == 0;
        if (kind != VALUE_STRING && kind != VALUE_MAPPING && !is_shared) {
            return wrong(
                resolver, key->line, "this section is no configuration, so Rails refuses it");
        }
    }
    return READ_WELL;
}

enum reading configurations_resolve(const struct configurations_request *request,
    struct databases *databases, struct reading_note *reading_note) {
    struct resolver resolver = {request, databases, reading_note};
    const struct value *root = request->root;
    const struct pair *section = NULL;
    bool has_section = false;
    if (root == NULL || root->kind == VALUE_NIL || root->kind == VALUE_FALSE) {
        return resolve_without_section(&resolver);
    }
    if (root->kind != VALUE_MAPPING) {
        return wrong(&resolver, root->line, "there are no sections in this file");
    }
    enum reading reading = check_sections(&resolver, root);
    if (reading == READ_WELL) {
        reading = share(&resolver, root);
    }
    for (size_t i = 0; reading == READ_WELL && i < root->count; i++) {
        section = &root->pairs[i];
        if (section->key->text == NULL || strcmp(section->key->text, request->environment) != 0 ||
            strcmp(section->key->text, "shared") == 0) {
            continue;
        }
        bool is_empty = section->value->kind == VALUE_MAPPING && section->value->count == 0;
        has_section = has_section || !is_empty;
        reading = resolve_section(&resolver, section->key, section->value);
    }
    if (reading == READ_WELL && !has_section) {
        return resolve_without_section(&resolver);
    }
    return reading;
}

void configurations_warn_of(struct databases *databases, const struct database *database) {
    for (size_t i = 0; i < database->unknown.count; i++) {
        const char *key = database->unknown.items[i];
        AUTO_TEXT struct text warning = {.data = NULL};
        text_append_format(&warning, "Signalbox's libpq does not have the keyword `%.60s`", key);
        bool is_said = false;
        for (size_t k = 0; k < databases->warnings.count; k++) {
            is_said =
                is_said || string_has_prefix(databases->warnings.items[k], text_string(&warning));
        }
        text_append_format(
            &warning, ": it is left out of the connection that %s says", database->source);
        if (!is_said) {
            string_list_append(&databases->warnings, text_string(&warning));
        }
    }
}

void configurations_append(struct databases *databases, struct database *database) {
    configurations_warn_of(databases, database);
    databases->items = memory_grow(databases->items, databases->count, sizeof *databases->items);
    databases->items[databases->count++] = *database;
    *database = (struct database){.role = NULL};
}

void configurations_put_primary_first(struct databases *databases) {
    for (size_t i = 1; i < databases->count; i++) {
        if (strcmp(databases->items[i].role, "primary") == 0) {
            struct database primary = databases->items[i];
            memmove(databases->items + 1, databases->items, i * sizeof primary);
            databases->items[0] = primary;
            return;
        }
    }
}
