/*
 * Where the URL comes from, in Rails' order.
 */
#include <stdlib.h>

#include "signalbox/database/database.h"
#include "signalbox/process/exit_status.h"

int database_find(const char *given_url, const char *given_source, struct database *database,
    struct error *error) {
    static const char *const variables[] = {"PRIMARY_DATABASE_URL", "DATABASE_URL"};
    *database = (struct database){.host = NULL};
    if (given_url != NULL) {
        return database_from_url(given_url, given_source, database, error);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const char *url = getenv(variables[i]);
        if (url != NULL && url[0] != '\0') {
            return database_from_url(url, variables[i], database, error);
        }
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "no database is named: set DATABASE_URL, or SIGNALBOX_DATABASE_URL to say only where to "
        "lock, or SIGNALBOX_PREPARE=never for a container that must not prepare");
    return -1;
}

void database_describe(const struct database *database, struct text *text) {
    text_append_string(text, "postgresql://");
    if (database->user != NULL) {
        text_append_format(text, "%s@", database->user);
    }
    if (database->host != NULL) {
        text_append_string(text, database->host);
    }
    if (database->port != NULL) {
        text_append_format(text, ":%s", database->port);
    }
    text_append_format(text, "/%s", database->name);
}
