/*
 * Substitutions. `$NAME` and `${NAME:-word}` are looked up, because a server's environment is often
 * given that way. Every other substitution is only skipped to its end. Quotes and further
 * substitutions can be nested inside it, and in a hostile string without limit, so the depth is
 * bounded.
 */
#include "command/substitution.h"
#include "signalbox/base/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"

enum { DEEPEST = 32 };

static const size_t no_end = SIZE_MAX;

static bool is_name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_';
}

static size_t name_length(const char *text) {
    size_t length = 0;
    if (isdigit((unsigned char)text[0])) {
        return 0;
    }
    while (is_name_byte(text[length])) {
        length++;
    }
    return length;
}

/* Behind the quote or the bracket that ends what began before `at`. */
static size_t find_end(const char *line, size_t at, char end, unsigned depth) {
    if (depth == DEEPEST) {
        return no_end;
    }
    while (line[at] != '\0' && line[at] != end) {
        char byte = line[at++];
        if (byte == '\\' && end != '\'') {
            at += line[at] != '\0';
        } else if (end == '\'' || end == '`') {
            continue;
        } else if (byte == '`' || byte == '"' || (byte == '\'' && end != '"')) {
            at = find_end(line, at, byte, depth + 1);
        } else if (byte == '$' && (line[at] == '(' || line[at] == '{')) {
            at = find_end(line, at + 1, line[at] == '(' ? ')' : '}', depth + 1);
        } else if (byte == '(' && end == ')') {
            at = find_end(line, at, ')', depth + 1);
        }
        if (at == no_end) {
            return no_end;
        }
    }
    return line[at] == '\0' ? no_end : at + 1;
}

static const char *look_up(const struct lexer *lexer, const char *name, size_t length) {
    char copy[128];
    if (lexer->lookup == NULL || length >= sizeof copy) {
        return NULL;
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    return lexer->lookup(lexer->context, copy);
}

/* `${NAME}` with an operator that says what to take where NAME is unset or empty; `body` is what
 * stands between the braces. False where only a shell can tell. */
static bool expand_braces(
    const struct lexer *lexer, const char *body, size_t length, struct text *text) {
    size_t name = name_length(body);
    const char *value = name == 0 || name > length ? NULL : look_up(lexer, body, name);
    if (value == NULL) {
        return false;
    }
    if (name == length) {
        text_append_string(text, value);
        return true;
    }
    size_t operator= name;
    if (body[operator] == ':') {
        operator++;
    }
    size_t word = operator+ 1;
    if (word > length || strchr("-=?", body[operator]) == NULL) {
        return false;
    }
    if (value[0] != '\0' || body[operator] == '?') {
        text_append_string(text, value);
        return true;
    }
    /* Without the colon an empty value counts as one, and set-but-empty is not told apart here. */
    if (operator== name || strcspn(body + word, "$`\"'\\") < length - word) {
        return false;
    }
    text_append(text, body + word, length - word);
    return true;
}

static void leave_unresolved(
    const struct lexer *lexer, size_t start, size_t end, struct lexeme *lexeme) {
    lexeme->is_unresolved = true;
    text_append(&lexeme->text, lexer->line + start, end - start);
}

/* `${…}`, `$(…)`, `$'…'` and backquotes: whatever has an end of its own. */
static bool take_bracketed(struct lexer *lexer, struct lexeme *lexeme, size_t body, char closing) {
    size_t start = lexer->at;
    size_t end = find_end(lexer->line, body, closing, 0);
    if (end == no_end) {
        return false;
    }
    lexer->at = end;
    lexeme->is_substituted = true;
    if (lexer->commands != NULL && closing != '}') {
        string_list_append_owned(
            lexer->commands, string_copy_part(lexer->line + body, end - 1 - body));
    }
    if (closing != '}' ||
        !expand_braces(lexer, lexer->line + body, end - 1 - body, &lexeme->text)) {
        leave_unresolved(lexer, start, end, lexeme);
    }
    return true;
}

bool substitution_take(struct lexer *lexer, struct lexeme *lexeme) {
    const char *line = lexer->line;
    size_t start = lexer->at;
    char next = line[start + 1];
    if (line[start] == '`') {
        return take_bracketed(lexer, lexeme, start + 1, '`');
    }
    if (next == '{' || next == '(') {
        return take_bracketed(lexer, lexeme, start + 2, next == '{' ? '}' : ')');
    }
    size_t name = name_length(line + start + 1);
    if (name > 0) {
        const char *value = look_up(lexer, line + start + 1, name);
        lexer->at = start + 1 + name;
        lexeme->is_substituted = true;
        if (value == NULL) {
            leave_unresolved(lexer, start, lexer->at, lexeme);
        } else {
            text_append_string(&lexeme->text, value);
        }
        return true;
    }
    if (next != '\0' && strchr("0123456789@*#?-$!", next) != NULL) {
        lexer->at = start + 2;
        lexeme->is_substituted = true;
        leave_unresolved(lexer, start, lexer->at, lexeme);
        return true;
    }
    text_append(&lexeme->text, "$", 1);
    lexer->at = start + 1;
    return true;
}
