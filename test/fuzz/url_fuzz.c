/*
 * Any text as a URL: what is accepted means the same when it is written with every byte encoded,
 * and no description or refusal has a part of it that could be a password.
 */
#include "databases.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static void append_encoded(struct text *url, const char *before, const char *part) {
    if (part == NULL || part[0] == '\0') {
        return;
    }
    text_append_string(url, before);
    for (; *part != '\0'; part++) {
        text_append_format(url, "%%%02x", (unsigned)(unsigned char)*part);
    }
}

static void check_round_trip(const struct database *database) {
    struct database again;
    struct error error;
    AUTO_TEXT struct text url = {.data = NULL};
    text_append_string(&url, "postgresql:///?");
    append_encoded(&url, "adapter=", database->adapter);
    append_encoded(&url, "&host=", database->host);
    append_encoded(&url, "&port=", database->port);
    append_encoded(&url, "&username=", database->user);
    append_encoded(&url, "&password=", database->password);
    append_encoded(&url, "&database=", database->name);
    for (size_t i = 0; i < database->keywords.count; i++) {
        text_append_format(&url, "&%s", database->keywords.items[i]);
        append_encoded(&url, "=", database->values.items[i]);
    }
    HOLDS(database_from_url(text_string(&url), "FUZZ", &again, &error) == 0);
    check_same(database, &again);
    database_release(&again);
}

static void check_refusal(const char *text) {
    static const char *const beginnings[] = {"FUZZ is not a URL: write postgresql://USER:PASSWORD",
        "FUZZ cannot be read: percent-encode", "FUZZ is empty, which Rails refuses",
        "FUZZ begins with a quotation mark", "FUZZ has a line break, a tab or another control",
        "FUZZ has an `@` where no user ends: write postgresql://USER:PASSWORD"};
    static const char *const of_parts[] = {
        "` has a line break, a tab or another control character in it",
        "` has a `:` and an `@` in it, like a URL with a password"};
    for (size_t i = 0; i < ARRAY_LENGTH(beginnings); i++) {
        if (string_has_prefix(text, beginnings[i])) {
            return;
        }
    }
    /* A part is named by its key. */
    HOLDS(string_has_prefix(text, "FUZZ `"));
    const char *key = text + strlen("FUZZ `");
    key += strspn(key, "abcdefghijklmnopqrstuvwxyz_");
    HOLDS(string_has_prefix(key, of_parts[0]) || string_has_prefix(key, of_parts[1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *url = string_copy_part((const char *)data, size);
    struct database database;
    struct error error;
    if (database_from_url(url, "FUZZ", &database, &error) == 0) {
        check_description(&database);
        check_round_trip(&database);
    } else {
        HOLDS(error.exit_status == 78);
        check_refusal(error.text);
    }
    database_release(&database);
    return 0;
}
