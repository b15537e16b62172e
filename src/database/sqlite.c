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

/* How much of a path is its directory, with the '/' at its end; 0 where there is none. */
static size_t directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* A link at the end may lead to what is not there yet. */
static char *follow_links(const char *path) {
    char *at = string_copy(path);
    for (int link = 0; link < LINKS_MOST; link++) {
        char target[PATH_MAX];
        AUTO_TEXT struct text next = {.data = NULL};
        ssize_t length = readlink(at, target, sizeof target);
        if (length <= 0) {
            break;
        }
        text_append(&next, at, target[0] == '/' ? 0 : directory_length(at));
        text_append(&next, target, (size_t)length);
        free(at);
        at = string_copy(text_string(&next));
    }
    return at;
}

/* The real path of what exists of it, and the rest as it stands. */
static void append_resolved(const char *path, struct text *resolved) {
    AUTO_FREE char *at = follow_links(path);
    AUTO_FREE char *directory = string_copy_part(at, directory_length(at));
    char *real = NULL;
    size_t length = strlen(directory);
    while (real == NULL && length > 0) {
        directory[length] = '\0';
        real = realpath(directory, NULL);
        if (real == NULL) {
            directory[length - 1] = '\0';
            length = directory_length(directory);
        }
    }
    AUTO_FREE char *owned = real;
    if (owned == NULL) {
        text_append_string(resolved, path);
        return;
    }
    text_append_format(resolved, "%s%s%s", owned, strcmp(owned, "/") == 0 ? "" : "/", at + length);
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
