/*
 * The ring of lines. The trap is what a step may print: half a character where a line is cut, and
 * bytes that are none at all, which PostgreSQL refuses in a text and would refuse the whole record
 * with them.
 */
#include "prepare/last_lines.h"

#include <stdint.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/secret.h"

static void add_line(struct last_lines *last, const char *line, size_t length) {
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' ')) {
        length--;
    }
    if (length == 0) {
        return;
    }
    char *slot = last->lines[last->added % LAST_LINES_COUNT];
    length = length < LAST_LINES_WIDTH ? length : LAST_LINES_WIDTH;
    for (size_t i = 0; i < length; i++) {
        slot[i] = line[i];
        if (slot[i] == '\0') {
            slot[i] = '?';
        }
    }
    slot[length] = '\0';
    last->added++;
}

void last_lines_add(struct last_lines *last, const char *bytes, size_t length) {
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - bytes);
        add_line(last, bytes, line);
        size_t taken = end == NULL ? line : line + 1;
        bytes += taken;
        length -= taken;
    }
}

/* The length of the UTF-8 sequence at `bytes` (RFC 3629), or 0 where it is none. */
static size_t sequence_length(const unsigned char *bytes) {
    static const struct {
        unsigned char lowest, highest;               /* Of the first byte. */
        unsigned char second_lowest, second_highest; /* Of the second one. */
        size_t length;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2},
        {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4},
        {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    if (bytes[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (bytes[0] < forms[i].lowest || bytes[0] > forms[i].highest) {
            continue;
        }
        if (bytes[1] < forms[i].second_lowest || bytes[1] > forms[i].second_highest) {
            return 0;
        }
        for (size_t at = 2; at < forms[i].length; at++) {
            if ((bytes[at] & 0xC0U) != 0x80U) {
                return 0;
            }
        }
        return forms[i].length;
    }
    return 0;
}

static void append_clean(struct text *text, const char *line) {
    while (*line != '\0') {
        size_t length = sequence_length((const unsigned char *)line);
        bool is_control = length == 1 && ((unsigned char)*line < 0x20 || *line == 0x7F);
        if (length == 0 || (is_control && *line != '\t')) {
            text_append(text, "?", 1);
            line++;
            continue;
        }
        text_append(text, line, length);
        line += length;
    }
}

static void append_without(struct text *text, const char *line, const char *const *secrets) {
    while (*line != '\0') {
        size_t hidden = 0;
        for (size_t i = 0; secrets[i] != NULL && hidden == 0; i++) {
            hidden = string_has_prefix(line, secrets[i]) ? strlen(secrets[i]) : 0;
        }
        text_append(text, hidden > 0 ? "***" : line, hidden > 0 ? 3 : 1);
        line += hidden > 0 ? hidden : 1;
    }
}

void last_lines_render(
    const struct last_lines *last, const char *const *secrets, struct text *rendered) {
    size_t count = last->added < LAST_LINES_COUNT ? last->added : LAST_LINES_COUNT;
    for (size_t i = last->added - count; i < last->added; i++) {
        AUTO_TEXT struct text without = {.data = NULL};
        AUTO_TEXT struct text masked = {.data = NULL};
        append_without(&without, last->lines[i % LAST_LINES_COUNT], secrets);
        secret_mask(text_string(&without), &masked);
        if (rendered->length > 0) {
            text_append(rendered, "\n", 1);
        }
        append_clean(rendered, text_string(&masked));
    }
}
