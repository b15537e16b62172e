/*
 * Reading Ruby line by line. A model or an engine may have a prefix for itself: only what is set on
 * ActiveRecord as a whole counts.
 */
#include "signalbox/rails/migrations_table.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/file.h"
#include "signalbox/base/text.h"

enum { FILE_MOST = 1 << 20, DEPTH_MOST = 4 };

enum part { PART_PREFIX, PART_NAME, PART_SUFFIX, PART_COUNT };

struct parts {
    struct text values[PART_COUNT];
};

static const struct {
    const char *attribute;
    bool is_of_self; /* Nothing but ActiveRecord has it, so `self.` in a hook means that, too. */
} attributes[PART_COUNT] = {
    [PART_PREFIX] = {"table_name_prefix", false},
    [PART_NAME] = {"schema_migrations_table_name", true},
    [PART_SUFFIX] = {"table_name_suffix", false},
};

static bool is_word_byte(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
        (byte >= '0' && byte <= '9') || byte == '_';
}

/* Whether `.attribute` at this place of the line is said to ActiveRecord. */
static bool is_said_to_active_record(const char *line, const char *attribute, bool is_of_self) {
    static const char *const receivers[] = {"active_record", "ActiveRecord::Base", "self"};
    size_t before = (size_t)(attribute - line);
    if (before == 0 || attribute[-1] != '.') {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(receivers) - (is_of_self ? 0U : 1U); i++) {
        size_t length = strlen(receivers[i]);
        if (before >= length + 1 && strncmp(attribute - 1 - length, receivers[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* `= "value"` behind the attribute, of what a table's name is made of. */
static bool read_literal(const char *rest, struct text *value) {
    rest += strspn(rest, " \t");
    if (rest[0] != '=' || rest[1] == '=' || rest[1] == '~') {
        return false;
    }
    rest += 1 + strspn(rest + 1, " \t");
    char quote = *rest;
    size_t length = 0;
    if (quote != '"' && quote != '\'') {
        return false;
    }
    while (is_word_byte(rest[1 + length])) {
        length++;
    }
    if (rest[1 + length] != quote) {
        return false;
    }
    text_release(value);
    text_append(value, rest + 1, length);
    return true;
}

static void read_line(const char *line, struct parts *parts) {
    const char *start = line + strspn(line, " \t");
    for (size_t i = 0; i < PART_COUNT && *start != '#'; i++) {
        const char *attribute = strstr(start, attributes[i].attribute);
        if (attribute != NULL &&
            is_said_to_active_record(start, attribute, attributes[i].is_of_self)) {
            (void)read_literal(attribute + strlen(attributes[i].attribute), &parts->values[i]);
        }
    }
}

static void read_ruby(const char *path, struct parts *parts) {
    AUTO_TEXT struct text content = {.data = NULL};
    struct error error;
    if (file_read(NULL, path, FILE_MOST, &content, &error) != FILE_READ || content.data == NULL) {
        return;
    }
    char *rest = content.data;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        read_line(line, parts);
    }
}

/* In the order of their names, as Rails loads them. */
static void read_folder(const char *path, int depth, struct parts *parts) {
    struct dirent **entries = NULL;
    int count = depth > DEPTH_MOST ? -1 : scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        struct stat status;
        AUTO_TEXT struct text below = {.data = NULL};
        text_append_format(&below, "%s/%s", path, name);
        if (name[0] == '.' || stat(text_string(&below), &status) != 0) {
            /* Neither itself, nor its parent, nor what is hidden. */
        } else if (S_ISDIR(status.st_mode)) {
            read_folder(text_string(&below), depth + 1, parts);
        } else if (length > strlen(".rb") && strcmp(name + length - strlen(".rb"), ".rb") == 0) {
            read_ruby(text_string(&below), parts);
        }
        free(entries[i]);
    }
    free(entries);
}

static void read_named(const char *directory, const char *path, struct parts *parts) {
    AUTO_TEXT struct text full = {.data = NULL};
    text_append_format(&full, "%s/%s", directory, path);
    read_ruby(text_string(&full), parts);
}

void migrations_table_find(const char *directory, const char *environment, struct text *name) {
    struct parts parts = {.values = {[PART_NAME] = {.data = NULL}}};
    AUTO_TEXT struct text own = {.data = NULL};
    AUTO_TEXT struct text initializers = {.data = NULL};
    text_append_format(&own, "config/environments/%s.rb", environment);
    text_append_format(&initializers, "%s/config/initializers", directory);
    text_append_string(&parts.values[PART_NAME], "schema_migrations");
    read_named(directory, "config/application.rb", &parts);
    read_named(directory, text_string(&own), &parts);
    read_folder(text_string(&initializers), 0, &parts);
    read_named(directory, "config/environment.rb", &parts);
    for (size_t i = 0; i < PART_COUNT; i++) {
        text_append_string(name, text_string(&parts.values[i]));
        text_release(&parts.values[i]);
    }
}
