/*
 * JSON strings, and the commas between members. Log lines carry whatever a server or a step said,
 * so nothing is assumed about the bytes: what is not UTF-8 (RFC 3629) is replaced, what would break
 * the line is escaped.
 */
#include "signalbox/base/json.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/text.h"
#include "signalbox/base/utf8.h"

/* One character of the input as it stands in the output; returns how many input bytes it took. */
static size_t quote_one(const unsigned char *text, char piece[8]) {
    unsigned char byte = text[0];
    if (byte == '"' || byte == '\\') {
        (void)snprintf(piece, 8, "\\%c", byte);
        return 1;
    }
    if (byte == '\n' || byte == '\t' || byte == '\r') {
        (void)snprintf(piece, 8, "\\%c", byte == '\n' ? 'n' : byte == '\t' ? 't' : 'r');
        return 1;
    }
    if (byte < 0x20 || byte == 0x7F) {
        (void)snprintf(piece, 8, "\\u%04x", (unsigned)byte);
        return 1;
    }
    if (byte < 0x80) {
        (void)snprintf(piece, 8, "%c", byte);
        return 1;
    }
    size_t length = utf8_length((const char *)text);
    if (length == 0) {
        (void)snprintf(piece, 8, "\xEF\xBF\xBD");
        return 1;
    }
    memcpy(piece, text, length);
    piece[length] = '\0';
    return length;
}

size_t json_quote(const char *text, char *buffer, size_t capacity) {
    const unsigned char *next = (const unsigned char *)text;
    size_t used = 0;
    buffer[used++] = '"';
    while (*next != '\0') {
        char piece[8];
        size_t taken = quote_one(next, piece);
        size_t length = strlen(piece);
        if (used + length + 2 > capacity) {
            break;
        }
        memcpy(buffer + used, piece, length);
        used += length;
        next += taken;
    }
    buffer[used++] = '"';
    buffer[used] = '\0';
    return used;
}

void json_append(struct text *text, const char *string) {
    /* No byte becomes more than six. */
    size_t capacity = strlen(string) * 6 + 3;
    AUTO_FREE char *quoted = memory_allocate(capacity, 1);
    text_append(text, quoted, json_quote(string, quoted, capacity));
}

/* What ends with an opening bracket has no member yet. */
static void begin_member(struct text *text, const char *key) {
    if (text->length > 0 && strchr("{[", text->data[text->length - 1]) == NULL) {
        text_append_string(text, ",");
    }
    if (key != NULL) {
        text_append_format(text, "\"%s\":", key);
    }
}

void json_object_begin(struct text *text, const char *key) {
    begin_member(text, key);
    text_append_string(text, "{");
}

void json_object_end(struct text *text) {
    text_append_string(text, "}");
}

void json_array_begin(struct text *text, const char *key) {
    begin_member(text, key);
    text_append_string(text, "[");
}

void json_array_end(struct text *text) {
    text_append_string(text, "]");
}

void json_null(struct text *text, const char *key) {
    begin_member(text, key);
    text_append_string(text, "null");
}

void json_string(struct text *text, const char *key, const char *string) {
    if (string == NULL) {
        json_null(text, key);
        return;
    }
    begin_member(text, key);
    json_append(text, string);
}

void json_integer(struct text *text, const char *key, int64_t number) {
    begin_member(text, key);
    text_append_format(text, "%lld", (long long)number);
}

void json_boolean(struct text *text, const char *key, bool is_true) {
    begin_member(text, key);
    text_append_string(text, is_true ? "true" : "false");
}
