/*
 * "signalbox COUNT LENGTH\n", then LENGTH bytes: COUNT strings, each ended by a NUL, the first of
 * which is the directory. No byte of a variable means anything here, so a value may have newlines
 * or be no text at all. Both numbers must be right, so that an answer that was cut is noticed.
 */
#include "command/reply_format.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

static const char magic[] = "signalbox ";

enum { HEAD_LENGTH_MOST = 48 };

void reply_format_write(char *const environment[], const char *directory, struct text *bytes) {
    AUTO_TEXT struct text strings = {.data = NULL};
    size_t count = 1;
    text_append(&strings, directory, strlen(directory) + 1);
    for (; *environment != NULL; environment++, count++) {
        text_append(&strings, *environment, strlen(*environment) + 1);
    }
    text_append_format(bytes, "%s%zu %zu\n", magic, count, strings.length);
    text_append(bytes, text_string(&strings), strings.length);
}

/* The digits at *at and the byte `end` behind them; false where that is not there. */
static bool take_number(const char **at, const char *limit, char end, size_t *number) {
    const char *start = *at;
    *number = 0;
    while (*at < limit && isdigit((unsigned char)**at) && *number <= REPLY_LENGTH_MOST) {
        *number = *number * 10 + (size_t)(**at - '0');
        (*at)++;
    }
    if (*at == start || *at == limit || **at != end) {
        return false;
    }
    (*at)++;
    return true;
}

static enum reply_result read_head(
    const char *bytes, size_t length, size_t *head, size_t *count, size_t *strings) {
    size_t known = length < sizeof magic - 1 ? length : sizeof magic - 1;
    const char *at = bytes + known;
    const char *limit = bytes + (length < HEAD_LENGTH_MOST ? length : HEAD_LENGTH_MOST);
    if (memcmp(bytes, magic, known) != 0) {
        return REPLY_WRONG;
    }
    if (memchr(bytes, '\n', (size_t)(limit - bytes)) == NULL) {
        return length < HEAD_LENGTH_MOST ? REPLY_UNFINISHED : REPLY_WRONG;
    }
    if (!take_number(&at, limit, ' ', count) || !take_number(&at, limit, '\n', strings) ||
        *strings > REPLY_LENGTH_MOST) {
        return REPLY_WRONG;
    }
    *head = (size_t)(at - bytes);
    return REPLY_WHOLE;
}

/* NAME=VALUE with any name at all, as the kernel hands it on. */
static bool is_variable(const char *string) {
    const char *equals = strchr(string, '=');
    return equals != NULL && equals != string;
}

enum reply_result reply_format_read(
    const char *bytes, size_t length, struct wrapper_answer *answer) {
    size_t head = 0;
    size_t count = 0;
    size_t strings = 0;
    enum reply_result result = read_head(bytes, length, &head, &count, &strings);
    if (result != REPLY_WHOLE) {
        return result;
    }
    if (length - head < strings) {
        return REPLY_UNFINISHED;
    }
    const char *at = bytes + head;
    if (length - head > strings || strings == 0 || at[strings - 1] != '\0') {
        return REPLY_WRONG;
    }
    size_t found = 0;
    for (size_t i = 0; i < strings; i++) {
        found += at[i] == '\0';
    }
    if (found != count) {
        return REPLY_WRONG;
    }
    *answer = (struct wrapper_answer){.directory = string_copy(at)};
    for (at += strlen(at) + 1; at < bytes + length; at += strlen(at) + 1) {
        if (is_variable(at)) {
            string_list_append(&answer->environment, at);
        }
    }
    return REPLY_WHOLE;
}
