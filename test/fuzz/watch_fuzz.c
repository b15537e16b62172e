/*
 * Any bytes as Bundler's lock file, and as an entry of --watch: what is found there comes out of
 * there, and a pattern that is accepted matches its own base.
 */
#include <string.h>

#include "fingerprint/glob.h"
#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/fingerprint/watch_entry.h"
#include "signalbox/rails/gemfile_lock.h"

static void check_pattern(const char *pattern) {
    AUTO_TEXT struct text base = {.data = NULL};
    /* Only within bounds that a person would write: any depth times any depth takes its time. */
    if (strlen(pattern) > 48 || watch_entry_problem(pattern) != NULL || pattern[0] == '$' ||
        pattern[0] == '/' || strstr(pattern, "//") != NULL) {
        return;
    }
    bool is_literal = glob_base(pattern, &base);
    enum glob_match match = glob_match(pattern, text_string(&base));
    HOLDS(is_literal ? match == GLOB_YES : match != GLOB_NO || strstr(pattern, "**") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *content = (const char *)data;
    AUTO_STRING_LIST struct string_list paths = {.items = NULL};
    AUTO_FREE char *pattern = string_copy_part(content, size);
    gemfile_lock_paths(content, size, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        size_t length = strlen(paths.items[i]);
        HOLDS(length > 0 && strchr(paths.items[i], '\n') == NULL);
        HOLDS(memmem(content, size, paths.items[i], length) != NULL);
    }
    check_pattern(pattern);
    return 0;
}
