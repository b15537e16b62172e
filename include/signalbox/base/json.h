/*
 * Text as the inside of a JSON string (RFC 8259, section 7), into a buffer of the caller.
 */
#ifndef SIGNALBOX_BASE_JSON_H
#define SIGNALBOX_BASE_JSON_H

#include <stddef.h>

#include "signalbox/base/text.h"

/*
 * Writes `text` with quotes around it and a NUL after it. Bytes that are not UTF-8 become U+FFFD.
 * What does not fit is left out at a character's end, so that the result is always a whole string.
 * Returns the length written; `capacity` must be at least 3.
 */
size_t json_quote(const char *text, char *buffer, size_t capacity);

/* The same at the end of growing text, whole. */
void json_append(struct text *text, const char *string);

/* The same, or null for NULL. */
void json_append_or_null(struct text *text, const char *string);

#endif
