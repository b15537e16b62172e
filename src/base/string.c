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
    /* Most are told apart by their first byte. */
    return string[0] == prefix[0] ? strncmp(string, prefix, strlen(prefix)) == 0
                                  : prefix[0] == '\0';
}
