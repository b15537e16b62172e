/*
 * The ring of lines. A cut line may end within a character. A step may print bytes that are no
 * text, and PostgreSQL would refuse the whole record for them. A secret may lie across two lines or
 * across the cut, so secrets are hidden before anything is cut off.
 */
#include "prepare/protocol/output_tail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "signalbox/base/text.h"
#include "signalbox/base/utf8.h"

/* The line above them says what the error was, and has more behind the method. */
static bool is_of_backtrace(const char *line, size_t length) {
    const char *in = memmem(line, length, ":in ", 4);
    return in != NULL && in > line && isdigit((unsigned char)in[-1]) && line[length - 1] == '\'';
}

static void add_line(struct output_tail *last, const char *line, size_t length) {
    while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' ')) {
        length--;
    }
    if (length == 0 || (last->leaves_out_backtraces && is_of_backtrace(line, length))) {
        return;
    }
    char *slot = last->lines[last->added % LAST_LINES_COUNT];
    length = length < LAST_LINES_HELD ? length : LAST_LINES_HELD;
    for (size_t i = 0; i < length; i++) {
        slot[i] = line[i];
        if (slot[i] == '\0') {
            slot[i] = '?';
        }
    }
    slot[length] = '\0';
    last->added++;
}

void output_tail_add(struct output_tail *last, const char *bytes, size_t length) {
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - bytes);
        add_line(last, bytes, line);
        size_t taken = end == NULL ? line : line + 1;
        bytes += taken;
        length -= taken;
    }
}

/* The first bytes of a line, up to the width; half a character at the cut is none. */
static void append_clean(struct text *text, const char *line) {
    char cut[LAST_LINES_WIDTH + 1];
    (void)snprintf(cut, sizeof cut, "%.*s", (int)strcspn(line, "\n"), line);
    for (const char *at = cut; *at != '\0';) {
        size_t length = utf8_length(at);
        bool is_control = length == 1 && ((unsigned char)*at < 0x20 || *at == 0x7F);
        if (length == 0 || (is_control && *at != '\t')) {
            text_append(text, "?", 1);
            at++;
            continue;
        }
        text_append(text, at, length);
        at += length;
    }
}

void output_tail_join(const struct output_tail *last, struct text *lines) {
    size_t count = last->added < LAST_LINES_COUNT ? last->added : LAST_LINES_COUNT;
    for (size_t i = last->added - count; i < last->added; i++) {
        text_append_string(lines, last->lines[i % LAST_LINES_COUNT]);
        text_append(lines, "\n", 1);
    }
}

void output_tail_render(
    const struct output_tail *last, const struct secret_values *secrets, struct text *rendered) {
    AUTO_TEXT struct text lines = {.data = NULL};
    AUTO_TEXT struct text masked = {.data = NULL};
    output_tail_join(last, &lines);
    secret_values_mask(secrets, text_string(&lines), &masked);
    const char *line = text_string(&masked);
    while (*line != '\0') {
        if (rendered->length > 0) {
            text_append(rendered, "\n", 1);
        }
        append_clean(rendered, line);
        line += strcspn(line, "\n");
        line += *line == '\n' ? 1 : 0;
    }
}
