/*
 * Writing JSON (RFC 8259): a string into a buffer of the caller, or members one after another at
 * the end of growing text.
 */
#ifndef SIGNALBOX_BASE_JSON_H
#define SIGNALBOX_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signalbox/base/text.h"

/*
 * Writes `text` with quotes around it and a NUL after it. Bytes that are not UTF-8 become U+FFFD.
 * What does not fit is left out at a character's end, so that the result is always a whole string.
 * Returns the length written; `capacity` must be at least 3.
 */
size_t json_quote(const char *text, char *buffer, size_t capacity);

/* The same at the end of growing text, whole. */
void json_append(struct text *text, const char *string);

/*
 * Each of these appends one member of the object that was begun last, with the comma that it needs.
 * The key is written as it is; it is NULL for an item of an array, and for the outermost value,
 * before which the text is empty.
 */
void json_object_begin(struct text *text, const char *key);
void json_object_end(struct text *text);
void json_array_begin(struct text *text, const char *key);
void json_array_end(struct text *text);
void json_string(struct text *text, const char *key, const char *string); /* null for NULL. */
void json_integer(struct text *text, const char *key, int64_t number);
void json_boolean(struct text *text, const char *key, bool is_true);
void json_null(struct text *text, const char *key);

#endif
