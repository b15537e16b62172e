/*
 * Any bytes as a ledger, and any bytes with the last line that would make them whole: what is taken
 * for a ledger is one, and is written and read again as the same.
 */
#include <string.h>

#include "fuzz.h"
#include "prepare/file/file_ledger.h"
#include "prepare/file/file_look.h"
#include "signalbox/base/text.h"

static void check_same(const struct file_ledger *one, const struct file_ledger *other) {
    HOLDS(one->count == other->count);
    for (size_t i = 0; i < one->count; i++) {
        for (size_t column = 0; column < COLUMN_COUNT; column++) {
            HOLDS(strcmp(one->runs[i].fields[column], other->runs[i].fields[column]) == 0);
        }
    }
}

static void check(const char *bytes, size_t length) {
    AUTO_FILE_LEDGER struct file_ledger ledger;
    if (file_ledger_parse(bytes, length, &ledger) != NULL) {
        HOLDS(ledger.count == 0);
        return;
    }
    AUTO_FILE_LEDGER struct file_ledger again;
    AUTO_TEXT struct text text = {.data = NULL};
    struct look look;
    file_ledger_format(&ledger, &text);
    HOLDS(file_ledger_parse(text.data, text.length, &again) == NULL);
    check_same(&ledger, &again);
    file_look_newest(&ledger, "f", 0, &look);
    HOLDS(look.failures <= 20 && look.deaths <= 20 && look.newest.age_ms >= 0);
    file_ledger_prune(&ledger);
    HOLDS(ledger.count <= again.count && (ledger.count == again.count || again.count > 100));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_TEXT struct text whole = {.data = NULL};
    uint64_t sum = 14695981039346656037U;
    size_t lines = 0;
    check((const char *)data, size);
    if (size == 0) {
        return 0;
    }
    text_append(&whole, (const char *)data, size);
    text_append_string(&whole, data[size - 1] == '\n' ? "" : "\n");
    for (size_t i = 0; i < whole.length; i++) {
        sum = (sum ^ (unsigned char)whole.data[i]) * 1099511628211U;
        lines += whole.data[i] == '\n' ? 1 : 0;
    }
    text_append_format(
        &whole, "end\t%zu\t%016llx\n", lines < 2 ? 0 : lines - 2, (unsigned long long)sum);
    check(whole.data, whole.length);
    return 0;
}
