/*
 * The files that a connection's settings name. Rails opens a relative one in the application's
 * directory, which need not be ours (`cd /app && …`, `env -C /app`), while libpq opens it in ours.
 */
#include <string.h>

#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

static const struct {
    const char *keyword; /* NULL where there is only the variable. */
    const char *variable;
} files[] = {
    {"sslcert", "PGSSLCERT"},
    {"sslkey", "PGSSLKEY"},
    {"sslrootcert", "PGSSLROOTCERT"},
    {"sslcrl", "PGSSLCRL"},
    {"sslcrldir", "PGSSLCRLDIR"},
    {"passfile", "PGPASSFILE"},
    {NULL, "PGSERVICEFILE"},
};

/* Whether libpq would look for it in the directory that it runs in. `system` stands for OpenSSL's
 * own certificates, and a key with a colon is in an engine. */
static bool is_relative(const char *keyword, const char *value) {
    bool is_root = keyword != NULL && strcmp(keyword, "sslrootcert") == 0;
    bool is_key = keyword != NULL && strcmp(keyword, "sslkey") == 0;
    return value != NULL && value[0] != '\0' && value[0] != '/' &&
        !(is_root && strcmp(value, "system") == 0) && !(is_key && strchr(value, ':') != NULL);
}

static void place(struct database *database, const char *directory) {
    for (size_t i = 0; i < database->keywords.count; i++) {
        for (size_t k = 0; k < ARRAY_LENGTH(files); k++) {
            char **value = &database->values.items[i];
            if (files[k].keyword == NULL ||
                strcmp(files[k].keyword, database->keywords.items[i]) != 0 ||
                !is_relative(files[k].keyword, *value)) {
                continue;
            }
            struct text path = {.data = NULL};
            text_append_format(&path, "%s/%s", directory, *value);
            free(*value);
            *value = path.data;
        }
    }
}

void database_list_place_files(struct databases *databases, const char *directory) {
    if (strcmp(directory, ".") == 0) {
        return;
    }
    for (size_t i = 0; i < databases->count; i++) {
        place(&databases->items[i], directory);
    }
    for (size_t k = 0; k < ARRAY_LENGTH(files); k++) {
        const char *value = getenv(files[k].variable);
        if (is_relative(files[k].keyword, value)) {
            AUTO_TEXT struct text path = {.data = NULL};
            text_append_format(&path, "%s/%s", directory, value);
            (void)setenv(files[k].variable, text_string(&path), 1);
        }
    }
}
