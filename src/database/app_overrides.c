/*
 * An application may move config/database.yml, replace what is read from it, or set variables in
 * its own boot files or through dotenv. None of that is carried out here: it is noticed, and then
 * Rails is asked. It is enough to notice too much, which costs a second; too little costs the right
 * database. A method that hides it deeper than these files is not seen.
 */
#include "database/app_overrides.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "database/ruby_writes.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/file.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/gemfile_lock.h"

static bool is_name_byte(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
        (byte >= '0' && byte <= '9') || byte == '_';
}

/* Whether the variable could be read for the databases: by the template, by ActiveRecord, by libpq
 * or for the environment's name. */
static bool matters(const char *name, const void *template) {
    static const char *const suffix = "DATABASE_URL";
    size_t length = strlen(name);
    size_t tail = strlen(suffix);
    if (length >= tail && strcmp(name + length - tail, suffix) == 0) {
        return true;
    }
    return string_has_prefix(name, "PG") || strcmp(name, "RAILS_ENV") == 0 ||
        strcmp(name, "RACK_ENV") == 0 || (length > 0 && strstr(template, name) != NULL);
}

static bool has_word(const char *line, const char *const *words, struct text *what) {
    for (; *words != NULL; words++) {
        if (strstr(line, *words) != NULL) {
            text_append_format(what, "`%s` here can change the databases", *words);
            return true;
        }
    }
    return false;
}

/* A line of Ruby that runs before database.yml is read. */
static bool changes_while_booting(const char *line, const char *template, struct text *what) {
    static const char *const words[] = {"config/database", "database_configuration",
        "register_db_config_handler", "Dotenv", "Figaro", "Figjam", "Envyable", NULL};
    const char *start = line + strspn(line, " \t");
    return *start != '#' &&
        (has_word(start, words, what) || ruby_writes_variable(line, matters, template, what));
}

/* A line of an initializer, which may read database.yml for purposes of its own. */
static bool changes_while_initializing(const char *line, const char *template, struct text *what) {
    static const char *const words[] = {
        "database_configuration =", "Base.configurations =", "register_db_config_handler", NULL};
    const char *start = line + strspn(line, " \t");
    return *start != '#' &&
        (has_word(start, words, what) || ruby_writes_variable(line, matters, template, what));
}

/* A line of a YAML file of variables, at the margin or in an environment's section; with more ERB
 * than values it may set any. */
static bool changes_by_yaml(const char *line, const char *template, struct text *what) {
    const char *start = line + strspn(line, " \t\"'");
    size_t length = 0;
    while (is_name_byte(start[length])) {
        length++;
    }
    AUTO_FREE char *name = string_copy_part(start, length);
    const char *rest = start + length + strspn(start + length, " \t\"'");
    const char *tag = strstr(line, "<%");
    if (tag != NULL && tag[2] != '=' && tag[2] != '#') {
        text_append_string(what, "variables are set here by code");
        return true;
    }
    /* Nothing behind the colon: an environment's section. */
    bool has_value = *rest == ':' && rest[1 + strspn(rest + 1, " \t\r")] != '\0';
    if (length == 0 || !has_value || getenv(name) != NULL || !matters(name, template)) {
        return false;
    }
    text_append_format(what, "%s is set here", name);
    return true;
}

/* A line of an .env file that sets what is not set; dotenv leaves alone what is. */
static bool changes_by_dotenv(const char *line, const char *template, struct text *what) {
    const char *start = line + strspn(line, " \t");
    if (string_has_prefix(start, "export ")) {
        start += strlen("export ");
    }
    size_t length = 0;
    while (is_name_byte(start[length])) {
        length++;
    }
    AUTO_FREE char *name = string_copy_part(start, length);
    const char *rest = start + length + strspn(start + length, " \t");
    if (length == 0 || (*rest != '=' && *rest != ':') || getenv(name) != NULL ||
        !matters(name, template)) {
        return false;
    }
    text_append_format(what, "%s is set here", name);
    return true;
}

/* The first line of the file that changes something. */
static bool find_change(const char *directory, const char *path, const char *template,
    bool (*changes)(const char *line, const char *template, struct text *what),
    struct reading_note *reading_note) {
    AUTO_TEXT struct text content = {.data = NULL};
    struct error error;
    if (file_read(directory, path, APP_OVERRIDES_FILE_MOST, &content, &error) != FILE_READ ||
        content.length == 0) {
        return false;
    }
    int number = 1;
    for (char *line = content.data; line != NULL; number++) {
        AUTO_TEXT struct text what = {.data = NULL};
        char *newline = strchr(line, '\n');
        if (newline != NULL) {
            *newline = '\0';
        }
        if (changes(line, template, &what)) {
            (void)reading_note_set(reading_note, READ_UNCLEAR, number, "%s", text_string(&what));
            return true;
        }
        line = newline == NULL ? NULL : newline + 1;
    }
    return false;
}

enum { INITIALIZERS_MOST = 2000, FOLDERS_MOST = 6 };

static int compare_names(const void *one, const void *other) {
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Appends the Ruby files below a folder, in Rails' order: by their paths. */
static void list_ruby_files(
    const char *directory, const char *folder, int depth, struct string_list *files) {
    AUTO_TEXT struct text full = {.data = NULL};
    AUTO_STRING_LIST struct string_list folders = {.items = NULL};
    text_append_format(&full, "%s/%s", directory, folder);
    DIR *stream = opendir(text_string(&full));
    if (stream == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        AUTO_TEXT struct text path = {.data = NULL};
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || files->count >= INITIALIZERS_MOST) {
            continue;
        }
        text_append_format(&path, "%s/%s", folder, entry->d_name);
        if (length > 3 && strcmp(entry->d_name + length - 3, ".rb") == 0) {
            string_list_append(files, text_string(&path));
        } else if (depth < FOLDERS_MOST) {
            string_list_append(&folders, text_string(&path));
        }
    }
    (void)closedir(stream);
    for (size_t i = 0; i < folders.count; i++) {
        list_ruby_files(directory, folders.items[i], depth + 1, files);
    }
}

/* The first of the files that Rails runs while it initializes, after config/application.rb. */
static bool find_while_initializing(const char *directory, const char *environment,
    const char *template, struct text *place, struct reading_note *reading_note) {
    AUTO_STRING_LIST struct string_list files = {.items = NULL};
    AUTO_TEXT struct text own = {.data = NULL};
    text_append_format(&own, "config/environments/%s.rb", environment);
    if (find_change(directory, text_string(&own), template, changes_while_booting, reading_note)) {
        text_append_string(place, text_string(&own));
        return true;
    }
    list_ruby_files(directory, "config/initializers", 0, &files);
    if (files.count > 0) {
        qsort(files.items, files.count, sizeof *files.items, compare_names);
    }
    string_list_append(&files, "config/environment.rb");
    for (size_t i = 0; i < files.count; i++) {
        if (find_change(
                directory, files.items[i], template, changes_while_initializing, reading_note)) {
            text_append_string(place, files.items[i]);
            return true;
        }
    }
    return false;
}

static bool has_gem(const struct text *lock, const char *gem) {
    AUTO_TEXT struct text line = {.data = NULL};
    text_append_format(&line, "\n    %s", gem);
    return strstr(text_string(lock), text_string(&line)) != NULL;
}

/* Files that a gem reads into ENV where it is in the lock file, as Rails boots. */
static bool find_of_gems(const char *directory, const char *environment, const char *template,
    struct text *place, struct reading_note *reading_note) {
    static const struct {
        const char *gem; /* How its line in the lock file begins. */
        const char *before;
        bool has_environment;
        const char *after;
        bool (*changes)(const char *line, const char *template, struct text *what);
    } files[] = {
        {"dotenv", ".env.", true, ".local", changes_by_dotenv},
        {"dotenv", ".env.local", false, "", changes_by_dotenv},
        {"dotenv", ".env.", true, "", changes_by_dotenv},
        {"dotenv", ".env", false, "", changes_by_dotenv},
        {"figaro ", "config/application.yml", false, "", changes_by_yaml},
        {"figjam ", "config/application.yml", false, "", changes_by_yaml},
        {"envyable ", "config/env.yml", false, "", changes_by_yaml},
    };
    /* These fetch from elsewhere, so that no file says what they set. */
    static const char *const fetching[] = {"dotenv-vault", "envkey ", "secret_env "};
    AUTO_TEXT struct text lock = {.data = NULL};
    gemfile_lock_read(directory, &lock);
    for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
        text_release(place);
        text_append_format(place, "%s%s%s", files[i].before,
            files[i].has_environment ? environment : "", files[i].after);
        if (has_gem(&lock, files[i].gem) &&
            find_change(directory, text_string(place), template, files[i].changes, reading_note)) {
            return true;
        }
    }
    text_release(place);
    for (size_t i = 0; i < ARRAY_LENGTH(fetching); i++) {
        if (has_gem(&lock, fetching[i])) {
            text_append_string(place, "Gemfile.lock");
            (void)reading_note_set(reading_note, READ_UNCLEAR, 0,
                "the gem %.*s sets variables while Rails boots", (int)strcspn(fetching[i], " "),
                fetching[i]);
            return true;
        }
    }
    return false;
}

bool app_overrides_change(const char *directory, const char *environment, const char *template,
    struct text *place, bool *while_initializing, struct reading_note *reading_note) {
    static const char *const boot[] = {"config/boot.rb", "config/application.rb"};
    *while_initializing =
        find_while_initializing(directory, environment, template, place, reading_note);
    if (*while_initializing) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(boot); i++) {
        if (find_change(directory, boot[i], template, changes_while_booting, reading_note)) {
            text_append_string(place, boot[i]);
            return true;
        }
    }
    return find_of_gems(directory, environment, template, place, reading_note);
}
