/*
 * The grammar of --watch, for the reading of options. It looks at no file.
 */
#include "signalbox/fingerprint/watch_entry.h"
#include "signalbox/base/string_list.h"

#include <stddef.h>
#include <string.h>

#include "fingerprint/glob.h"

static const char *variable_problem(const char *name) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t first = strspn(name, letters);
    size_t rest = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return first > 0 && name[rest] == '\0' ? NULL
                                           : "a variable is $ and its name, and nothing more";
}

const char *watch_entry_problem(const char *entry) {
    return entry[0] == '$' ? variable_problem(entry + 1) : glob_problem(entry);
}

bool watch_entry_has_schema(const struct string_list *entries) {
    return entries != NULL && string_list_has(entries, WATCH_SCHEMA);
}
