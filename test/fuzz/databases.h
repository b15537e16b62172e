/*
 * What holds for any database that was accepted.
 */
#ifndef DATABASES_H
#define DATABASES_H

#include <string.h>

#include "fuzz.h"
#include "signalbox/base/json.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

static inline bool same_text(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static inline void check_same(const struct database *one, const struct database *other) {
    HOLDS(same_text(one->adapter, other->adapter));
    HOLDS(same_text(one->host, other->host));
    HOLDS(same_text(one->port, other->port));
    HOLDS(same_text(one->user, other->user));
    HOLDS(same_text(one->password, other->password));
    HOLDS(same_text(one->name, other->name));
    HOLDS(one->keywords.count == other->keywords.count);
    for (size_t i = 0; i < one->keywords.count; i++) {
        HOLDS(same_text(one->keywords.items[i], other->keywords.items[i]));
        HOLDS(same_text(one->values.items[i], other->values.items[i]));
    }
}

/* The description says the same whatever the password is, so it says nothing of it. */
static inline void check_description(struct database *database) {
    AUTO_TEXT struct text with = {.data = NULL};
    AUTO_TEXT struct text without = {.data = NULL};
    char *password = database->password;
    database_describe(database, &with);
    database->password = NULL;
    database_describe(database, &without);
    database->password = password;
    HOLDS(strcmp(text_string(&with), text_string(&without)) == 0);
}

#endif
