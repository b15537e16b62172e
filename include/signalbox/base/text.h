/*
 * Text that grows. Where there is no memory for it the process ends (memory.h).
 */
#ifndef SIGNALBOX_BASE_TEXT_H
#define SIGNALBOX_BASE_TEXT_H

#include <stddef.h>

struct text {
    char *data; /* NUL after `length` bytes; NULL while empty. Released by text_release. */
    size_t length;
    size_t capacity;
};

void text_append(struct text *text, const char *bytes, size_t length);
void text_append_string(struct text *text, const char *string);
void text_append_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *text_string(const struct text *text);
void text_release(struct text *text);

/* Makes room for `length` bytes, so that appending them moves nothing; before the first of them. */
void text_reserve(struct text *text, size_t length);
/* Releases it, and leaves nothing of it in memory. */
void text_wipe(struct text *text);
#define AUTO_TEXT __attribute__((cleanup(text_release)))

#endif
