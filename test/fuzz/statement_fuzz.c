/*
 * Showing any bytes as a statement: one line, not longer than allowed, and nothing that stands in a
 * literal whose end is certain.
 */
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/statement.h"

enum { MOST = 60, LONGEST = 1 << 12 };

static void check(const char *statement, const char *secret) {
    AUTO_TEXT struct text masked = {.data = NULL};
    statement_mask(statement, MOST, &masked);
    HOLDS(masked.length <= MOST + strlen("…"));
    HOLDS(secret == NULL || strstr(text_string(&masked), secret) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char secret[] = "hunter2hunter2";
    if (size > LONGEST) {
        return 0;
    }
    AUTO_FREE char *text = string_copy_part((const char *)data, size);
    AUTO_TEXT struct text quoted = {.data = NULL};
    check(text, NULL);
    /* Behind what is not quoted a literal is one, whatever follows it. */
    if (strpbrk(text, "'\"$\\/-") != NULL || strstr(text, secret) != NULL) {
        return 0;
    }
    text_append_format(&quoted, "%s '%s", text, secret);
    check(text_string(&quoted), secret);
    text_append_format(&quoted, "' %s", text);
    check(text_string(&quoted), secret);
    return 0;
}
