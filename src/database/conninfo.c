/*
 * Keywords and values. The trap is a value that is empty: it is named, and keeps libpq's own PG*
 * variable out, while one that is not named lets it in.
 */
#include "signalbox/database/conninfo.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MOST = 7 };

/* Of several hosts, the one that can be written to. */
static bool wants_writable_host(const struct database *database) {
    return database->host != NULL && strchr(database->host, ',') != NULL &&
        getenv("PGTARGETSESSIONATTRS") == NULL &&
        !string_list_has(&database->keywords, "target_session_attrs");
}

void conninfo_of(const struct database *database, const char *name, struct conninfo *conninfo) {
    const struct {
        const char *keyword;
        const char *value;
    } parts[] = {{"host", database->host}, {"port", database->port}, {"user", database->user},
        {"password", database->password}, {"dbname", name == NULL ? database->name : name}};
    size_t further = database->keywords.count;
    const char **keywords = memory_allocate(PARTS_MOST + further, sizeof *keywords);
    const char **values = memory_allocate(PARTS_MOST + further, sizeof *values);
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (parts[i].value != NULL) {
            keywords[used] = parts[i].keyword;
            values[used++] = parts[i].value;
        }
    }
    if (wants_writable_host(database)) {
        keywords[used] = "target_session_attrs";
        values[used++] = "read-write";
    }
    for (size_t i = 0; i < further; i++) {
        keywords[used] = database->keywords.items[i];
        values[used++] = database->values.items[i];
    }
    *conninfo = (struct conninfo){.keywords = keywords, .values = values};
}

void conninfo_release(struct conninfo *conninfo) {
    free(conninfo->keywords);
    free(conninfo->values);
    *conninfo = (struct conninfo){.keywords = NULL};
}
