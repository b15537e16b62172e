/*
 * The tasks that create and load. The trap is a word that only looks like one of them
 * (db:prepare_demo, -Tdb:migrate:status): a task is a word of its own, in a step or in the script
 * that a shell is given as one.
 */
#include "signalbox/prepare/tasks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/gemfile_lock.h"
#include "signalbox/base/text.h"

enum rails_since { ANY_RAILS, RAILS_8 };

/* From activerecord's databases.rake and database_tasks.rb, 7.1 to 8.1. */
static const struct {
    const char *name;
    bool has_names; /* NAME:queue is the same for one database. */
    bool creates;
    bool loads;
    enum rails_since since;
} rows[] = {
    {"db:prepare", false, true, true, ANY_RAILS},
    {"db:setup", true, true, true, ANY_RAILS},
    {"db:reset", true, true, true, ANY_RAILS},
    {"db:create", true, true, false, ANY_RAILS},
    {"db:schema:load", true, false, true, ANY_RAILS},
    {"db:structure:load", true, false, true, ANY_RAILS},
    {"db:migrate", true, true, true, RAILS_8},
};

static bool is_part_of_word(char byte) {
    return isalnum((unsigned char)byte) != 0 || byte == '_' || byte == ':' || byte == '-';
}

/* What stands behind NAME: and is no database's name. */
static bool is_other_task(const char *rest) {
    static const char *const others[] = {"status", "up", "down", "redo", "reset", "sql"};
    size_t length = 0;
    while (is_part_of_word(rest[length])) {
        length++;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strlen(others[i]) == length && strncmp(rest, others[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the task stands in a word, which may be a whole script. */
static bool has_task(const char *word, const char *name, bool has_names) {
    size_t length = strlen(name);
    for (const char *at = strstr(word, name); at != NULL; at = strstr(at + 1, name)) {
        bool begins = at == word || !is_part_of_word(at[-1]);
        bool ends = !is_part_of_word(at[length]) ||
            (has_names && at[length] == ':' && !is_other_task(at + length + 1));
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

static bool any_has_task(const struct step_list *steps, const char *name, bool has_names) {
    for (size_t step = 0; step < steps->count; step++) {
        const struct string_list *argv = &steps->items[step].argv;
        for (size_t word = 1; word < argv->count; word++) {
            if (has_task(argv->items[word], name, has_names)) {
                return true;
            }
        }
    }
    return false;
}

struct tasks tasks_of_steps(const struct step_list *steps, int rails_major) {
    struct tasks tasks = {.loader = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        bool is_of_old_rails = rows[i].since == RAILS_8 && rails_major != 0 && rails_major < 8;
        bool is_certain = rows[i].since == ANY_RAILS || rails_major >= 8;
        if (is_of_old_rails || !any_has_task(steps, rows[i].name, rows[i].has_names)) {
            continue;
        }
        tasks.create = tasks.create || (rows[i].creates && is_certain);
        if (rows[i].loads && tasks.loader == NULL) {
            tasks.loader = rows[i].name;
        }
    }
    return tasks;
}

static FILE *open_lock_file(const char *directory) {
    const char *gemfile = getenv("BUNDLE_GEMFILE");
    static const char *const names[] = {"Gemfile.lock", "gems.locked"};
    FILE *file = NULL;
    if (gemfile != NULL && gemfile[0] != '\0') {
        AUTO_TEXT struct text path = {.data = NULL};
        gemfile_lock_name(gemfile, &path);
        file = fopen(text_string(&path), "re");
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names) && file == NULL; i++) {
        AUTO_TEXT struct text path = {.data = NULL};
        text_append_format(&path, "%s/%s", directory, names[i]);
        file = fopen(text_string(&path), "re");
    }
    return file;
}

int tasks_rails_major(const char *directory) {
    static const char gem[] = "    activerecord (";
    char line[512];
    int major = 0;
    FILE *file = open_lock_file(directory);
    if (file == NULL) {
        return 0;
    }
    while (major == 0 && fgets(line, sizeof line, file) != NULL) {
        size_t digits = 0;
        int64_t number = 0;
        if (!string_has_prefix(line, gem)) {
            continue;
        }
        char *version = line + strlen(gem);
        digits = strspn(version, "0123456789");
        if (version[digits] == '.') {
            version[digits] = '\0';
            major = number_parse(version, 1, 1000, &number) ? (int)number : 0;
        }
    }
    (void)fclose(file);
    return major;
}
