/*
 * Where a SQLite database's file is. The trap is a symbolic link into a volume: SQLite follows it,
 * so what belongs beside the database belongs beside the link's end, where other containers look.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/database/database.h"

enum { LINKS_MOST = 40 };

bool database_is_sqlite(const struct database *database) {
    return strcmp(database->adapter, "sqlite3") == 0;
}

/* `file:` URIs as sqlite.org/uri.html has them, as far as a path is in them. */
static void append_name(const char *name, struct text *path) {
    if (!string_has_prefix(name, "file:")) {
        text_append_string(path, name);
        return;
    }
    name += strlen("file:");
    if (string_has_prefix(name, "//")) {
        name += strcspn(name + 2, "/") + 2;
    }
    text_append(path, name, strcspn(name, "?#"));
}

static bool is_in_memory(const char *name) {
    return strstr(name, ":memory:") != NULL ||
        (string_has_prefix(name, "file:") && strstr(name, "mode=memory") != NULL);
}

/* The directory of a path, with its '/' at the end; "" where there is none. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return string_copy_part(path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
}

static void append_resolved(const char *path, struct text *resolved) {
    AUTO_FREE char *at = string_copy(path);
    /* A link at the end may lead to what is not there yet. */
    for (int link = 0; link < LINKS_MOST; link++) {
        char target[PATH_MAX];
        ssize_t length = readlink(at, target, sizeof target - 1);
        if (length <= 0) {
            break;
        }
        target[length] = '\0';
        AUTO_TEXT struct text next = {.data = NULL};
        AUTO_FREE char *directory = directory_of(at);
        text_append_format(&next, "%s%s", target[0] == '/' ? "" : directory, target);
        free(at);
        at = string_copy(text_string(&next));
    }
    AUTO_FREE char *directory = directory_of(at);
    AUTO_FREE char *real = realpath(directory[0] == '\0' ? "." : directory, NULL);
    if (real == NULL) {
        text_append_string(resolved, path);
        return;
    }
    text_append_format(resolved, "%s/%s", strcmp(real, "/") == 0 ? "" : real, path_base_name(at));
}

bool database_sqlite_path(
    const struct database *database, const char *directory, struct text *path) {
    AUTO_TEXT struct text named = {.data = NULL};
    AUTO_TEXT struct text whole = {.data = NULL};
    if (!database_is_sqlite(database) || database->name == NULL || is_in_memory(database->name)) {
        return false;
    }
    append_name(database->name, &named);
    if (named.length == 0) {
        return false;
    }
    text_append_format(&whole, "%s%s%s", named.data[0] == '/' ? "" : directory,
        named.data[0] == '/' ? "" : "/", named.data);
    append_resolved(text_string(&whole), path);
    return true;
}
