/*
 * Strings of C, copied and compared.
 */
#include "signalbox/base/string.h"

#include <string.h>

#include "signalbox/base/memory.h"

char *string_copy_part(const char *bytes, size_t length) {
    char *copy = memory_allocate(length + 1, 1);
    memcpy(copy, bytes, length);
    return copy;
}

char *string_copy(const char *string) {
    return string_copy_part(string, strlen(string));
}

bool string_has_prefix(const char *string, const char *prefix) {
    while (*prefix != '\0' && *string == *prefix) {
        string++;
        prefix++;
    }
    return *prefix == '\0';
}
