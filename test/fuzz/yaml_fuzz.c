/*
 * Any text as a database.yml without ERB: the databases that are found in it mean the same when
 * they are written plainly, their descriptions have no password, and a small file stays small.
 */
#include "database/configurations.h"
#include "database/yaml.h"
#include "databases.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static enum reading resolve(const char *text, size_t length, struct databases *databases) {
    AUTO_VALUE_POOL struct value_pool pool = {.values = NULL};
    struct reading_note note = {.line = 0};
    struct configurations_request request = {
        .path = "config/database.yml", .environment = "production", .pool = &pool};
    *databases = (struct databases){.items = NULL};
    enum reading reading = yaml_read(text, length, &pool, &request.root, &note);
    if (reading == READ_WELL) {
        reading = configurations_resolve(&request, databases, &note);
    }
    HOLDS(reading == READ_WELL || note.what[0] != '\0');
    /* What is merged counts; what stands there is bounded by the file. */
    HOLDS(pool.pairs <= VALUE_PAIRS_MOST + length + 16);
    return reading;
}

static void append_member(struct text *text, const char *key, const char *value) {
    if (value != NULL) {
        json_append(text, key);
        text_append_string(text, ": ");
        json_append(text, value);
        text_append_string(text, ", ");
    }
}

static bool is_plain(const char *text) {
    for (; text != NULL && *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static bool is_plain_database(const struct database *database) {
    const char *const parts[] = {database->adapter, database->host, database->port, database->user,
        database->password, database->name, database->role};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (!is_plain(parts[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < database->values.count; i++) {
        if (!is_plain(database->values.items[i])) {
            return false;
        }
    }
    return true;
}

static void check_round_trip(const struct database *database) {
    struct databases again;
    AUTO_TEXT struct text text = {.data = NULL};
    text_append_string(&text, "production: {x: {");
    append_member(&text, "adapter", database->adapter);
    append_member(&text, "host", database->host);
    append_member(&text, "port", database->port);
    append_member(&text, "username", database->user);
    append_member(&text, "password", database->password);
    append_member(&text, "database", database->name);
    for (size_t i = 0; i < database->keywords.count; i++) {
        append_member(&text, database->keywords.items[i], database->values.items[i]);
    }
    text_append_string(&text, "}}\n");
    HOLDS(resolve(text_string(&text), text.length, &again) == READ_WELL);
    HOLDS(again.count == 1);
    check_same(database, &again.items[0]);
    database_list_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *text = string_copy_part((const char *)data, size);
    struct databases databases;
    if (resolve(text, size, &databases) == READ_WELL) {
        for (size_t i = 0; i < databases.count; i++) {
            check_description(&databases.items[i]);
            if (is_plain_database(&databases.items[i])) {
                check_round_trip(&databases.items[i]);
            }
        }
    }
    database_list_release(&databases);
    return 0;
}
