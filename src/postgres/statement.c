/*
 * PostgreSQL's lexical rules (4.1 of its manual), as far as they say where a literal is. What is
 * hidden too much does no harm; what is hidden too little is somebody's data.
 */
#include "signalbox/postgres/statement.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "signalbox/base/utf8.h"

static bool is_name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

/* Behind a quoted text; with `escapes` a backslash takes the next byte with it. NULL where it is
 * not closed, or where only the server's settings say what a backslash before a quote means. */
static const char *skip_quoted(const char *at, char quote, bool escapes) {
    while (*at != '\0') {
        bool is_pair =
            (*at == '\\' && escapes && at[1] != '\0') || (*at == quote && at[1] == quote);
        if (*at == '\\' && quote == '\'' && at[1] == '\'' && !escapes) {
            return NULL;
        }
        if (*at == quote && !is_pair) {
            return at + 1;
        }
        at += is_pair ? 2 : 1;
    }
    return NULL;
}

/* Behind a text in dollar quotes, whose tag begins here; the same pointer where none does. */
static const char *skip_dollars(const char *at) {
    const char *tag = at + 1;
    while (is_name_byte(*tag) && (tag > at + 1 || !isdigit((unsigned char)*tag))) {
        tag++;
    }
    if (*at != '$' || *tag != '$') {
        return at;
    }
    size_t length = (size_t)(tag + 1 - at);
    for (const char *end = tag + 1; *end != '\0'; end++) {
        if (strncmp(end, at, length) == 0) {
            return end + length;
        }
    }
    return NULL;
}

static const char *skip_comment(const char *at) {
    if (at[0] == '-' && at[1] == '-') {
        return at + strcspn(at, "\r\n");
    }
    int depth = 0;
    while (*at != '\0') {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
            if (depth == 0) {
                return at;
            }
        } else {
            at++;
        }
    }
    return at;
}

/* 12, 1.5e-3, .5, 0x1F, 1_000; a sign between is an operator's or the exponent's. */
static const char *skip_number(const char *at) {
    while (is_name_byte(*at) || *at == '.') {
        at++;
        if ((at[-1] == 'e' || at[-1] == 'E') && (*at == '+' || *at == '-') &&
            isdigit((unsigned char)at[1])) {
            at++;
        }
    }
    return at;
}

static void append_word(struct text *masked, const char *word, size_t length) {
    text_append(masked, word, length);
}

/* The literal, comment or word at `at`: appends what is shown of it, and returns what is behind it;
 * NULL where nothing behind it may be shown. */
static const char *mask_one(const char *at, struct text *masked) {
    const char *end = at;
    bool is_comment = (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*');
    if (isspace((unsigned char)*at) || is_comment) {
        end = is_comment ? skip_comment(at) : at + 1;
        if (masked->length > 0 && masked->data[masked->length - 1] != ' ') {
            text_append(masked, " ", 1);
        }
        return end;
    }
    if (*at == '"') {
        end = skip_quoted(at + 1, '"', false);
        append_word(masked, at, end == NULL ? strlen(at) : (size_t)(end - at));
        return end;
    }
    if (*at == '\'') {
        text_append(masked, "?", 1);
        return skip_quoted(at + 1, '\'', false);
    }
    if (*at == '$') {
        end = skip_dollars(at);
        if (end != at) {
            text_append(masked, "?", 1);
            return end;
        }
        /* A parameter: $1. */
        end = at + 1 + strspn(at + 1, "0123456789");
        append_word(masked, at, (size_t)(end - at));
        return end;
    }
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]))) {
        text_append(masked, "?", 1);
        return skip_number(at);
    }
    if (!is_name_byte(*at)) {
        append_word(masked, at, 1);
        return at + 1;
    }
    while (is_name_byte(*end) || *end == '$') {
        end++;
    }
    /* A letter, or U&, that belongs to the literal behind it. */
    bool is_letter = end == at + 1 && strchr("eEbBxXnN", *at) != NULL && *end == '\'';
    if (is_letter) {
        text_append(masked, "?", 1);
        return skip_quoted(end + 1, '\'', *at == 'e' || *at == 'E');
    }
    append_word(masked, at, (size_t)(end - at));
    return end;
}

/* Half a character at the cut is none. */
static void cut(struct text *masked, size_t start, size_t most) {
    size_t length = start;
    while (length < masked->length) {
        size_t next = utf8_length(masked->data + length);
        next = next == 0 ? 1 : next;
        if (length + next > start + most) {
            break;
        }
        length += next;
    }
    masked->length = length;
    masked->data[length] = '\0';
    text_append_string(masked, "…");
}

void statement_mask(const char *statement, size_t most, struct text *masked) {
    AUTO_TEXT struct text whole = {.data = NULL};
    const char *at = statement;
    while (at != NULL && *at != '\0' && whole.length <= most) {
        at = mask_one(at, &whole);
    }
    while (whole.length > 0 && strchr(" ;", whole.data[whole.length - 1]) != NULL) {
        whole.data[--whole.length] = '\0';
    }
    size_t start = masked->length;
    text_append_string(masked, text_string(&whole));
    if (whole.length > most) {
        cut(masked, start, most);
    } else if (at == NULL) {
        text_append_string(masked, "…");
    }
}
