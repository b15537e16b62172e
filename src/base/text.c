/*
 * Growing text.
 */
#include "signalbox/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/memory.h"

void text_append(struct text *text, const char *bytes, size_t length) {
    if (text->capacity - text->length <= length || text->data == NULL) {
        size_t capacity = (text->length + length + 1) * 2;
        text->data = memory_reallocate(text->data, capacity, 1);
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_append_string(struct text *text, const char *string) {
    text_append(text, string, strlen(string));
}

void text_append_format(struct text *text, const char *format, ...) {
    va_list arguments;
    char *formatted = NULL;
    va_start(arguments, format);
    int length = vasprintf(&formatted, format, arguments);
    va_end(arguments);
    if (length < 0) {
        memory_exhausted();
    }
    text_append(text, formatted, (size_t)length);
    free(formatted);
}

const char *text_string(const struct text *text) {
    return text->data == NULL ? "" : text->data;
}

void text_release(struct text *text) {
    free(text->data);
    *text = (struct text){.data = NULL};
}

void text_reserve(struct text *text, size_t length) {
    if (text->capacity <= length) {
        text->data = memory_reallocate(text->data, length + 1, 1);
        text->capacity = length + 1;
        text->data[text->length] = '\0';
    }
}

void text_wipe(struct text *text) {
    if (text->data != NULL) {
        explicit_bzero(text->data, text->capacity);
    }
    text_release(text);
}
