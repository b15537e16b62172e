/*
 * Where a SQLite database's file is. SQLite follows a symbolic link into a volume, so the files
 * beside the database are beside the link's target, where other containers look for them.
 */
#include <string.h>

#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

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
    path_resolve(text_string(&whole), path);
    return true;
}
