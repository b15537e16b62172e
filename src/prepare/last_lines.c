/*
 * The ring of lines. The trap is what a step may print: half a character where a line is cut, and
 * bytes that are none at all, which PostgreSQL refuses in a text and would refuse the whole record
 * with them.
 */
#include "prepare/last_lines.h"

#include <stdint.h>
#include <string.h>

#include "signalbox/base/secret.h"
#include "signalbox/base/utf8.h"

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

static void append_clean(struct text *text, const char *line) {
    while (*line != '\0') {
        size_t length = utf8_length(line);
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
