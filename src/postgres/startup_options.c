/*
 * Joining. A last backslash that nothing follows means nothing to the server, and would make the
 * blank behind it a part of the word.
 */
#include "signalbox/postgres/startup_options.h"

#include <stddef.h>
#include <string.h>

/* In every word a backslash takes the next byte with it, so only their number at the end counts. */
static size_t meaningful_length(const char *options) {
    size_t length = strlen(options);
    size_t backslashes = 0;
    while (backslashes < length && options[length - 1 - backslashes] == '\\') {
        backslashes++;
    }
    return length - backslashes % 2;
}

static void append_escaped(struct text *joined, const char *setting) {
    for (const char *at = setting; *at != '\0'; at++) {
        if (strchr(" \t\n\v\f\r\\", *at) != NULL) {
            text_append(joined, "\\", 1);
        }
        text_append(joined, at, 1);
    }
}

void startup_options_join(const char *given, const char *setting, struct text *joined) {
    size_t length = given == NULL ? 0 : meaningful_length(given);
    if (length > 0) {
        text_append(joined, given, length);
        text_append_string(joined, " ");
    }
    text_append_string(joined, "-c ");
    append_escaped(joined, setting);
}
