/*
 * The choice. A file in a container's own layer is not shared and keeps no replicas apart. The
 * place of a SQLite database is shared where anything is; without one, a path must be given.
 */
#include "prepare/lock_choice.h"

#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static const char *const names[] = {
    [LOCK_AUTO] = "auto",
    [LOCK_POSTGRES] = "postgres",
    [LOCK_FILE] = "file",
    [LOCK_NONE] = "none",
};

const char *lock_choice_name(enum lock_kind kind) {
    return names[kind];
}

bool lock_choice_named(const char *name, enum lock_kind *kind) {
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *kind = (enum lock_kind)i;
            return true;
        }
    }
    return false;
}

bool lock_choice_stands_alone(const struct lock_choice *choice) {
    return choice->kind == LOCK_NONE || (choice->kind == LOCK_FILE && choice->path != NULL);
}

/* "PATH", or "PATH.7" for the lock key 7. */
static char *with_key(struct text *path, int64_t lock_key) {
    if (lock_key != 0) {
        text_append_format(path, ".%lld", (long long)lock_key);
    }
    return string_copy(text_string(path));
}

static int find_beside(const struct database *database, const char *directory, int64_t lock_key,
    char **path, struct error *error) {
    AUTO_TEXT struct text beside = {.data = NULL};
    if (!database_sqlite_path(database, directory, &beside)) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s names no file for its SQLite database, so the lock cannot be beside it: add "
            "`database: storage/production.sqlite3`, or give --lock=file:PATH",
            database->source);
        return -1;
    }
    text_append_string(&beside, "-signalbox");
    *path = with_key(&beside, lock_key);
    return 0;
}

static int refuse_file_without_path(const struct database *first, struct error *error) {
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "%s: the adapter is %.40s, so there is no database file beside which the lock could be: "
        "give a path that all replicas share (--lock=file:PATH)",
        first->source, first->adapter);
    return -1;
}

int lock_choice_find(const struct lock_choice *choice, int64_t lock_key,
    const struct databases *databases, const char *directory, enum lock_kind *kind, char **path,
    struct error *error) {
    *path = NULL;
    *kind = choice->kind;
    if (lock_choice_stands_alone(choice)) {
        AUTO_TEXT struct text given = {.data = NULL};
        if (choice->kind == LOCK_FILE) {
            path_resolve(choice->path, &given);
            *path = with_key(&given, lock_key);
        }
        return 0;
    }
    const struct database *first = &databases->items[0];
    bool is_sqlite = database_is_sqlite(first);
    if (choice->kind == LOCK_POSTGRES || (choice->kind == LOCK_AUTO && !is_sqlite)) {
        *kind = LOCK_POSTGRES;
        return database_list_check_first(databases, error);
    }
    *kind = LOCK_FILE;
    return is_sqlite ? find_beside(first, directory, lock_key, path, error)
                     : refuse_file_without_path(first, error);
}
