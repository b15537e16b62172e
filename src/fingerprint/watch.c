/*
 * From --watch to trees and patterns. One file may have two names: BUNDLE_GEMFILE=/rails/Gemfile
 * must give the same fingerprint as no BUNDLE_GEMFILE, so a file in the application's directory is
 * always named from there.
 */
#include "fingerprint/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fingerprint/glob.h"
#include "signalbox/base/file.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/fingerprint/watch_entry.h"
#include "signalbox/rails/gemfile_lock.h"

/* Bundler's lock files have some hundred kilobytes at most. */
enum { LOCK_FILE_MOST = 16 << 20 };

static void add_to_tree(struct watch_tree *tree, const char *glob, const char *entry) {
    AUTO_TEXT struct text base = {.data = NULL};
    struct watch_pattern pattern = {.glob = string_copy(glob)};
    pattern.is_literal = glob_base(glob, &base);
    pattern.base = string_copy(text_string(&base));
    pattern.entry = entry == NULL ? NULL : string_copy(entry);
    tree->patterns = memory_grow(tree->patterns, tree->count, sizeof *tree->patterns);
    tree->patterns[tree->count++] = pattern;
}

static struct watch_tree *add_tree(struct watch *watch, const char *directory, const char *label) {
    watch->trees = memory_grow(watch->trees, watch->count, sizeof *watch->trees);
    watch->trees[watch->count] = (struct watch_tree){
        .directory = string_copy(directory), .label = label == NULL ? NULL : string_copy(label)};
    return &watch->trees[watch->count++];
}

/* `path` with one slash between its parts, none at its end, and no part `.`. */
static void append_normalised(const char *path, struct text *normalised) {
    text_append_string(normalised, path[0] == '/' ? "/" : "");
    while (*path != '\0') {
        size_t length = strcspn(path, "/");
        if (length > 0 && !(length == 1 && path[0] == '.')) {
            bool is_first =
                normalised->length == 0 || normalised->data[normalised->length - 1] == '/';
            text_append_string(normalised, is_first ? "" : "/");
            text_append(normalised, path, length);
        }
        path += length + (path[length] == '/' ? 1 : 0);
    }
}

static bool leads_elsewhere(const char *path) {
    for (; *path != '\0'; path += path[0] == '/' ? 1 : 0) {
        size_t length = strcspn(path, "/");
        if (length == 0 || (length == 2 && memcmp(path, "..", 2) == 0)) {
            return true;
        }
        path += length;
    }
    return false;
}

/* Parts a pattern into the folder it begins in and the rest, which has the first wildcard in its
 * first part or is one part. */
static void split(const char *pattern, struct text *folder, const char **rest) {
    *rest = pattern;
    for (const char *at = pattern; *at != '\0';) {
        size_t length = strcspn(at, "/");
        AUTO_FREE char *part = string_copy_part(at, length);
        AUTO_TEXT struct text plain = {.data = NULL};
        *rest = at;
        if (!glob_base(part, &plain) || at[length] == '\0') {
            return;
        }
        text_append_format(folder, "%s/", text_string(&plain));
        at += length + 1;
    }
}

/* Whether `directory` is the application's or lies in it, and where there. */
static bool is_within(const char *directory, const char *application, struct text *inside) {
    AUTO_FREE char *real_directory = realpath(directory, NULL);
    AUTO_FREE char *real_application = realpath(application, NULL);
    if (real_directory == NULL || real_application == NULL) {
        return false;
    }
    size_t length = strcmp(real_application, "/") == 0 ? 0 : strlen(real_application);
    if (strncmp(real_directory, real_application, length) != 0 ||
        (real_directory[length] != '/' && real_directory[length] != '\0')) {
        return false;
    }
    if (real_directory[length] == '/' && real_directory[length + 1] != '\0') {
        for (const char *at = real_directory + length + 1; *at != '\0'; at++) {
            text_append_string(inside, strchr("*?[\\", *at) == NULL ? "" : "\\");
            text_append(inside, at, 1);
        }
        text_append_string(inside, "/");
    }
    return true;
}

/* Whether `rest`, a pattern in this folder, is nothing but the application's directory. */
static bool is_application(const char *folder, const char *rest, const char *application) {
    AUTO_TEXT struct text path = {.data = NULL};
    AUTO_TEXT struct text inside = {.data = NULL};
    text_append_format(&path, "%s%s", folder, rest);
    return is_within(text_string(&path), application, &inside) && inside.length == 0;
}

static void add_outside(struct watch *watch, const char *pattern, const char *entry) {
    AUTO_TEXT struct text folder = {.data = NULL};
    AUTO_TEXT struct text directory = {.data = NULL};
    AUTO_TEXT struct text inside = {.data = NULL};
    const char *rest = NULL;
    const char *application = watch->trees[0].directory;
    split(pattern, &folder, &rest);
    if (text_string(&folder)[0] != '/') {
        text_append_format(&directory, "%s/", application);
    }
    text_append_string(&directory, text_string(&folder));
    if (strcmp(rest, "..") == 0 || is_application(text_string(&directory), rest, application)) {
        text_append_string(&directory, rest);
        text_append_format(&folder, "%s/", rest);
        rest = "";
    }
    if (is_within(text_string(&directory), application, &inside)) {
        text_append_string(&inside, rest);
        add_to_tree(&watch->trees[0], text_string(&inside), entry);
        return;
    }
    add_to_tree(add_tree(watch, text_string(&directory), text_string(&folder)), rest, entry);
}

/* `pattern` from the application's directory, or absolute. */
static void add_pattern(struct watch *watch, const char *pattern, const char *entry) {
    AUTO_TEXT struct text normalised = {.data = NULL};
    append_normalised(pattern, &normalised);
    if (leads_elsewhere(text_string(&normalised))) {
        add_outside(watch, text_string(&normalised), entry);
    } else {
        add_to_tree(&watch->trees[0], text_string(&normalised), entry);
    }
}

/* A path that is no pattern, from `folder` unless it is absolute; `folder` is "" or ends with '/'.
 */
static void add_path(struct watch *watch, const char *folder, const char *path) {
    AUTO_TEXT struct text pattern = {.data = NULL};
    const char *parts[] = {path[0] == '/' ? "" : folder, path};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        for (const char *at = parts[i]; *at != '\0'; at++) {
            text_append_string(&pattern, strchr("*?[\\", *at) == NULL ? "" : "\\");
            text_append(&pattern, at, 1);
        }
    }
    add_pattern(watch, text_string(&pattern), NULL);
}

/* The folders of `path:` gems, from the lock file of this Gemfile. */
static int add_gems(struct watch *watch, const char *gemfile, struct error *error) {
    AUTO_TEXT struct text name = {.data = NULL};
    AUTO_TEXT struct text content = {.data = NULL};
    AUTO_STRING_LIST struct string_list paths = {.items = NULL};
    gemfile_lock_name(gemfile, &name);
    if (file_read(watch->trees[0].directory, text_string(&name), LOCK_FILE_MOST, &content, error) ==
        FILE_UNREADABLE) {
        error_add_context(error, "--watch=schema needs the `path:` gems");
        return -1;
    }
    gemfile_lock_paths(text_string(&content), content.length, &paths);
    AUTO_FREE char *folder = string_copy_part(gemfile, (size_t)(path_base_name(gemfile) - gemfile));
    for (size_t i = 0; i < paths.count; i++) {
        add_path(watch, folder, paths.items[i]);
    }
    return 0;
}

static const char *given_gemfile(void) {
    const char *gemfile = getenv("BUNDLE_GEMFILE");
    return gemfile == NULL || gemfile[0] == '\0' ? NULL : gemfile;
}

/* The lock file beside $BUNDLE_GEMFILE. */
static void add_lock_file(struct watch *watch) {
    AUTO_TEXT struct text name = {.data = NULL};
    if (given_gemfile() != NULL) {
        gemfile_lock_name(given_gemfile(), &name);
        add_path(watch, "", text_string(&name));
    }
}

static void add_migrations_paths(struct watch *watch, const struct databases *databases) {
    for (size_t i = 0; i < databases->count; i++) {
        const struct string_list *paths = &databases->items[i].migrations_paths;
        for (size_t path = 0; path < paths->count; path++) {
            /* Rails itself globs with them. */
            if (glob_problem(paths->items[path]) == NULL) {
                add_pattern(watch, paths->items[path], NULL);
            } else {
                add_path(watch, "", paths->items[path]);
            }
        }
    }
}

static int add_schema(struct watch *watch, const struct watch_request *request,
    struct string_list *warnings, struct error *error) {
    static const char *const patterns[] = {"**/db", "lib/tasks", "Gemfile.lock", "gems.locked",
        "Rakefile", "config/application.rb", "config/database.yml"};
    for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++) {
        add_to_tree(&watch->trees[0], patterns[i], NULL);
    }
    if (request->databases == NULL) {
        string_list_append(warnings,
            "--watch=schema: only Rails knows the migrations_paths; those outside of a db folder "
            "are not watched unless --watch names them too");
    } else {
        add_migrations_paths(watch, request->databases);
    }
    add_lock_file(watch);
    return add_gems(watch, given_gemfile() == NULL ? "Gemfile" : given_gemfile(), error);
}

/* Rails' schema files are looked through for the ledger's name whatever else is watched. */
static void add_schema_files(struct watch *watch) {
    static const char *const patterns[] = {"db/*.rb", "db/*.sql"};
    for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++) {
        struct watch_tree *tree = &watch->trees[0];
        add_to_tree(tree, patterns[i], NULL);
        tree->patterns[tree->count - 1].is_only_searched = true;
    }
}

static void add_variable(struct watch *watch, const char *name, struct string_list *warnings) {
    string_list_append(&watch->variables, name);
    if (getenv(name) == NULL) {
        AUTO_TEXT struct text warning = {.data = NULL};
        text_append_format(&warning,
            "--watch: the variable %s is not set, so it decides nothing (set it to nothing if it "
            "may be absent)",
            name);
        string_list_append(warnings, text_string(&warning));
    }
}

static int add_entry(struct watch *watch, const struct watch_request *request, const char *entry,
    struct string_list *warnings, struct error *error) {
    if (strcmp(entry, WATCH_SCHEMA) == 0) {
        return add_schema(watch, request, warnings, error);
    }
    if (entry[0] == '$') {
        add_variable(watch, entry + 1, warnings);
    } else {
        add_pattern(watch, entry, entry);
    }
    return 0;
}

int watch_make(const struct watch_request *request, struct watch *watch,
    struct string_list *warnings, struct error *error) {
    *watch = (struct watch){.trees = NULL};
    (void)add_tree(watch, request->directory, NULL);
    if (request->entries == NULL || request->entries->count == 0) {
        watch->is_whole_image = true;
        add_to_tree(&watch->trees[0], "", NULL);
        add_lock_file(watch);
        return 0;
    }
    add_schema_files(watch);
    for (size_t i = 0; i < request->entries->count; i++) {
        if (add_entry(watch, request, request->entries->items[i], warnings, error) != 0) {
            return -1;
        }
    }
    return 0;
}

void watch_release(struct watch *watch) {
    for (size_t tree = 0; tree < watch->count; tree++) {
        for (size_t i = 0; i < watch->trees[tree].count; i++) {
            struct watch_pattern *pattern = &watch->trees[tree].patterns[i];
            free(pattern->glob);
            free(pattern->base);
            free(pattern->entry);
        }
        free(watch->trees[tree].patterns);
        free(watch->trees[tree].directory);
        free(watch->trees[tree].label);
    }
    free(watch->trees);
    string_list_release(&watch->variables);
    *watch = (struct watch){.trees = NULL};
}

bool watch_names(const struct watch_pattern *pattern, const char *path) {
    size_t length = strlen(path);
    return strncmp(pattern->base, path, length) == 0 &&
        (pattern->base[length] == '/' || pattern->base[length] == '\0');
}
