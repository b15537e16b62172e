/*
 * The tasks that create and load. Some words only look like one of them (db:prepare_demo,
 * -Tdb:migrate:status): a task is a word of its own, in a step or in the script that a shell is
 * given as one.
 */
#include "signalbox/rails/tasks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/gemfile_lock.h"

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

static size_t word_length(const char *word) {
    size_t length = 0;
    while (is_part_of_word(word[length])) {
        length++;
    }
    return length;
}

static bool is_one_of(const char *const *words, size_t count, const char *word, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == length && strncmp(words[i], word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Names too long to be kept stand for every database. */
static void add_name(struct tasks *tasks, const char *name, size_t length) {
    static const char *const all[] = {"all"};
    size_t used = strlen(tasks->names);
    if (is_one_of(all, ARRAY_LENGTH(all), name, length) ||
        used + length + 2 > sizeof tasks->names) {
        tasks->concern_all = true;
        return;
    }
    (void)snprintf(tasks->names + used, sizeof tasks->names - used, "%s%.*s", used == 0 ? "" : "\n",
        (int)length, name);
}

/* Takes in what stands behind a task's name; false where that makes another task of it. */
static bool take_rest(struct tasks *tasks, const char *rest, bool has_names) {
    static const char *const others[] = {"status", "up", "down", "redo", "reset", "sql"};
    size_t length = word_length(rest);
    if (length == 0) {
        tasks->concern_all = true;
        return true;
    }
    if (!has_names || rest[0] != ':' ||
        is_one_of(others, ARRAY_LENGTH(others), rest + 1, length - 1)) {
        return false;
    }
    add_name(tasks, rest + 1, length - 1);
    return true;
}

/* Whether the task stands in a word, which may be a whole script. */
static bool take_word(struct tasks *tasks, const char *word, const char *name, bool has_names) {
    bool is_there = false;
    for (const char *at = strstr(word, name); at != NULL; at = strstr(at + 1, name)) {
        bool begins = at == word || !is_part_of_word(at[-1]);
        is_there = (begins && take_rest(tasks, at + strlen(name), has_names)) || is_there;
    }
    return is_there;
}

static bool take_steps(
    struct tasks *tasks, const struct step_list *steps, const char *name, bool has_names) {
    bool is_there = false;
    for (size_t step = 0; step < steps->count; step++) {
        const struct string_list *argv = &steps->items[step].argv;
        for (size_t word = 1; word < argv->count; word++) {
            is_there = take_word(tasks, argv->items[word], name, has_names) || is_there;
        }
    }
    return is_there;
}

struct tasks tasks_of_steps(const struct step_list *steps, int rails_major) {
    struct tasks tasks = {.loader = NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        bool is_of_old_rails = rows[i].since == RAILS_8 && rails_major != 0 &&
            rails_major < TASKS_MIGRATE_FROM_NOTHING;
        bool is_certain = rows[i].since == ANY_RAILS || rails_major >= TASKS_MIGRATE_FROM_NOTHING;
        if (is_of_old_rails || !take_steps(&tasks, steps, rows[i].name, rows[i].has_names)) {
            continue;
        }
        tasks.create = tasks.create || (rows[i].creates && is_certain);
        if (rows[i].loads && tasks.loader == NULL) {
            tasks.loader = rows[i].name;
        }
    }
    return tasks;
}

bool tasks_concern(const struct tasks *tasks, const char *configuration) {
    size_t length = strlen(configuration);
    for (const char *name = tasks->names; !tasks->concern_all && *name != '\0';) {
        size_t line = strcspn(name, "\n");
        if (line == length && strncmp(name, configuration, length) == 0) {
            return true;
        }
        name += line + (name[line] == '\n' ? 1 : 0);
    }
    return tasks->concern_all;
}

/* What makes a task stop before the newest migration: of Rails, and of GitLab. */
static const char *const limits[] = {"VERSION", "SCOPE", "SKIP_POST_DEPLOYMENT_MIGRATIONS"};

static bool is_limit(const char *assignment) {
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        size_t length = strlen(limits[i]);
        if (strncmp(assignment, limits[i], length) == 0 && assignment[length] == '=') {
            return true;
        }
    }
    return false;
}

/* As a word of its own, not in a script, in which anything may stand around it. */
static bool migrates_wholly(const struct step *step) {
    static const char *const tasks[] = {"db:prepare", "db:migrate", "db:setup", "db:reset"};
    bool migrates = false;
    for (size_t i = 0; i < step->assignments.count; i++) {
        if (is_limit(step->assignments.items[i])) {
            return false;
        }
    }
    for (size_t i = 1; i < step->argv.count; i++) {
        const char *word = step->argv.items[i];
        if (is_limit(word)) {
            return false;
        }
        migrates = migrates || is_one_of(tasks, ARRAY_LENGTH(tasks), word, strlen(word));
    }
    return migrates;
}

bool tasks_migrate_wholly(const struct step_list *steps) {
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        if (getenv(limits[i]) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < steps->count; i++) {
        if (migrates_wholly(&steps->items[i])) {
            return true;
        }
    }
    return false;
}

int tasks_rails_major(const char *directory) {
    static const char gem[] = "\n    activerecord (";
    AUTO_TEXT struct text lock = {.data = NULL};
    int64_t major = 0;
    text_append_string(&lock, "\n");
    gemfile_lock_read(directory, &lock);
    for (char *line = strstr(lock.data, gem); line != NULL; line = strstr(line, gem)) {
        line += strlen(gem);
        size_t digits = strspn(line, "0123456789");
        if (line[digits] == '.') {
            line[digits] = '\0';
            return number_parse(line, 1, 1000, &major) ? (int)major : 0;
        }
    }
    return 0;
}
