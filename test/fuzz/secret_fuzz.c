/*
 * Hiding a value in any text: the first line is the value of a variable, the rest is what a step
 * has printed. The value is nowhere in what is left, and nothing that is not hidden is changed.
 */
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum { ALWAYS_HIDDEN_FROM = 13, LONGEST = 1 << 14 };

/* What is left of a text: its own bytes in their order, and *** for the others. */
static bool is_rest_of(const char *masked, const char *text) {
    while (*masked != '\0') {
        const char *here = *text == '\0' ? NULL : strchr(text, *masked);
        if (here == NULL && *masked != '*') {
            return false;
        }
        text = *masked == '*' ? text : here + 1;
        masked++;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > LONGEST) {
        return 0;
    }
    AUTO_FREE char *input = string_copy_part((const char *)data, size);
    size_t length = strcspn(input, "\n");
    AUTO_FREE char *value = string_copy_part(input, length);
    const char *text = input + length + (input[length] == '\n' ? 1 : 0);
    AUTO_TEXT struct text assignment = {.data = NULL};
    AUTO_TEXT struct text masked = {.data = NULL};
    AUTO_TEXT struct text without = {.data = NULL};
    AUTO_SECRET_VALUES struct secret_values values = {.items = {.items = NULL}};
    text_append_format(&assignment, "API_KEY=%s", value);
    char *environment[] = {assignment.data, NULL};
    secret_values_learn_environment(&values, environment);
    secret_values_learn(&values, value);
    secret_values_mask(&values, text, &masked);
    HOLDS(is_rest_of(text_string(&masked), text));
    bool is_plain = strpbrk(value, "*\\\r \t") == NULL && strncmp(value, "-----", 5) != 0;
    if (length >= ALWAYS_HIDDEN_FROM && is_plain) {
        HOLDS(strstr(text_string(&masked), value) == NULL);
    }
    secret_mask(text, &without);
    HOLDS(is_rest_of(text_string(&without), text));
    return 0;
}
