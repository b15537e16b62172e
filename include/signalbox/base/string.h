/*
 * Copies of strings that the caller frees; where there is no memory the process ends (memory.h).
 */
#ifndef SIGNALBOX_BASE_STRING_H
#define SIGNALBOX_BASE_STRING_H

#include <stdbool.h>
#include <stddef.h>

char *string_copy(const char *string);
char *string_copy_part(const char *bytes, size_t length);

bool string_has_prefix(const char *string, const char *prefix);

#endif
