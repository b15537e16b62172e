/*
 * Reads words and literals, and evaluates nothing. Ruby has many forms: one that could mean
 * something else is unclear.
 */
#include "database/scanner.h"
#include "signalbox/base/text.h"

#include <ctype.h>
#include <string.h>

struct ruby_value scanner_unclear(struct scanner *scanner) {
    if (scanner->reading == READ_WELL) {
        scanner->reading = reading_note_set(
            scanner->reading_note, READ_UNCLEAR, 0, "is more Ruby than is read here");
    }
    return (struct ruby_value){.kind = RUBY_NIL};
}

bool scanner_is_well(const struct scanner *scanner) {
    return scanner->reading == READ_WELL;
}

char scanner_peek(const struct scanner *scanner) {
    if (scanner->at < scanner->end) {
        return *scanner->at;
    }
    return '\0';
}

/* Within a line, or wherever Ruby expects the expression to go on. */
void scanner_skip(struct scanner *scanner, const char *blanks) {
    while (scanner->at < scanner->end && strchr(blanks, *scanner->at) != NULL &&
        *scanner->at != '\0') {
        scanner->at++;
    }
}

bool scanner_take(struct scanner *scanner, const char *token) {
    scanner_skip(scanner, IN_LINE);
    size_t length = strlen(token);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, token, length) != 0) {
        return false;
    }
    scanner->at += length;
    return true;
}

bool scanner_is_name_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9') || byte == '_';
}

/* A name with what may end a method's; empty where there is none. */
void scanner_read_name(struct scanner *scanner, char name[NAME_MOST]) {
    size_t length = 0;
    while (scanner_is_name_byte(scanner_peek(scanner)) && length + 2 < NAME_MOST) {
        name[length++] = *scanner->at++;
    }
    bool is_question = scanner_peek(scanner) == '?' && length > 0 &&
        (scanner->end - scanner->at < 2 || scanner->at[1] != ':');
    if (is_question && islower((unsigned char)name[0])) {
        name[length++] = *scanner->at++;
    }
    name[length] = '\0';
}

bool scanner_take_word(struct scanner *scanner, const char *word) {
    const char *before = scanner->at;
    if (scanner_take(scanner, word) && !scanner_is_name_byte(scanner_peek(scanner))) {
        return true;
    }
    scanner->at = before;
    return false;
}

struct ruby_value scanner_read_single_quoted(struct scanner *scanner) {
    AUTO_TEXT struct text text = {.data = NULL};
    scanner->at++;
    while (scanner->at < scanner->end && *scanner->at != '\'') {
        bool is_escape = *scanner->at == '\\' && scanner->at + 1 < scanner->end &&
            (scanner->at[1] == '\'' || scanner->at[1] == '\\');
        scanner->at += is_escape ? 1 : 0;
        text_append(&text, scanner->at++, 1);
    }
    if (scanner->at == scanner->end) {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    return ruby_string(text_string(&text));
}

/* After a backslash in double quotes; false for the escapes that are left to Ruby. */
bool scanner_read_escape(struct scanner *scanner, struct text *text) {
    static const char from[] = "nt\"\\#'";
    static const char to[] = "\n\t\"\\#'";
    const char *found = scanner_peek(scanner) == '\0' ? NULL : strchr(from, scanner_peek(scanner));
    if (found == NULL) {
        return false;
    }
    text_append(text, &to[found - from], 1);
    scanner->at++;
    return true;
}

struct ruby_value scanner_read_integer(struct scanner *scanner) {
    int64_t number = 0;
    bool starts_with_zero = *scanner->at == '0';
    const char *start = scanner->at;
    while (scanner_peek(scanner) == '_' ||
        (scanner_peek(scanner) >= '0' && scanner_peek(scanner) <= '9')) {
        char digit = *scanner->at++;
        if (digit != '_' &&
            (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, digit - '0', &number))) {
            return scanner_unclear(scanner);
        }
    }
    bool is_fraction = scanner_peek(scanner) == '.' && scanner->at + 1 < scanner->end &&
        scanner->at[1] >= '0' && scanner->at[1] <= '9';
    if (is_fraction || scanner_is_name_byte(scanner_peek(scanner)) ||
        (starts_with_zero && scanner->at - start > 1)) {
        return scanner_unclear(scanner);
    }
    return (struct ruby_value){.kind = RUBY_INTEGER, .integer = number};
}

/* From the quote that opens a string to the one that closes it; false where something in it could
 * hold that one. */
static bool skip_plain_string(struct scanner *scanner) {
    size_t left = (size_t)(scanner->end - scanner->at) - 1;
    const char *close = memchr(scanner->at + 1, *scanner->at, left);
    if (close == NULL || memchr(scanner->at, '\\', (size_t)(close - scanner->at)) ||
        memchr(scanner->at, '{', (size_t)(close - scanner->at))) {
        return false;
    }
    scanner->at = close;
    return true;
}

/* A block that Ruby would not call may hold anything: it ends with its bracket. What is in quotes
 * is not looked into, so a quote in it leaves the block to Ruby. */
bool scanner_skip_dead_block(struct scanner *scanner) {
    int open = 1;
    for (; scanner->at < scanner->end; scanner->at++) {
        if (strchr("/%?`'#", *scanner->at) != NULL) {
            return false;
        }
        if (*scanner->at == '"') {
            if (!skip_plain_string(scanner)) {
                return false;
            }
            continue;
        }
        open += *scanner->at == '{' ? 1 : 0;
        open -= *scanner->at == '}' ? 1 : 0;
        if (open == 0) {
            return true;
        }
    }
    return false;
}

/* What binds less than `||` does. */
static bool is_at_keyword(const struct scanner *scanner) {
    static const char *const words[] = {
        "if", "unless", "while", "until", "rescue", "and", "or", "do", "in"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        struct scanner ahead = *scanner;
        if (scanner_take_word(&ahead, words[i])) {
            return true;
        }
    }
    return false;
}

/* What joins otherwise than it looks: a range, text that follows later, and an argument without
 * brackets. */
static bool is_at_loose_end(const struct scanner *scanner) {
    const char *next = scanner->at + 1;
    if (next < scanner->end && (*scanner->at == '.' || *scanner->at == '<')) {
        return *next == *scanner->at;
    }
    if (!scanner_is_name_byte(*scanner->at)) {
        return false;
    }
    while (next < scanner->end && (*next == ' ' || *next == '\t')) {
        next++;
    }
    return next > scanner->at + 1 && next < scanner->end &&
        (scanner_is_name_byte(*next) || strchr("\"':[", *next) != NULL);
}

bool scanner_skip_dead_operand(struct scanner *scanner) {
    int open = 0;
    bool is_in_word = false;
    for (; scanner->at < scanner->end; scanner->at++) {
        char byte = *scanner->at;
        char next = '\0';
        if (scanner->at + 1 < scanner->end) {
            next = scanner->at[1];
        }
        bool is_name = scanner_is_name_byte(byte);
        if (strchr("/%?`#;\\=$", byte) != NULL || is_at_loose_end(scanner) ||
            (byte == '|' && next != '|') || (is_name && !is_in_word && is_at_keyword(scanner))) {
            return false;
        }
        is_in_word = is_name;
        if (byte == '"' || byte == '\'') {
            if (!skip_plain_string(scanner)) {
                return false;
            }
        } else if (byte == '|' || (byte == ':' && next == ':')) {
            scanner->at++;
        } else if (strchr("([{", byte) != NULL) {
            open++;
        } else if (open > 0) {
            open -= strchr(")]}", byte) != NULL ? 1 : 0;
        } else if (strchr(")]},\n", byte) != NULL) {
            return true;
        } else if (byte == ':') {
            return false;
        }
    }
    return open == 0;
}

void scanner_skip_comments(struct scanner *scanner) {
    scanner_skip(scanner, ACROSS_LINES);
    while (scanner_peek(scanner) == '#') {
        const char *end = memchr(scanner->at, '\n', (size_t)(scanner->end - scanner->at));
        if (end == NULL) {
            return;
        }
        scanner->at = end;
        scanner_skip(scanner, ACROSS_LINES);
    }
}

bool scanner_opens_block(const char *code, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool is_word = (i == 0 || !scanner_is_name_byte(code[i - 1])) &&
            (i + 2 >= length || !scanner_is_name_byte(code[i + 2]));
        if (is_word && i + 1 < length && code[i] == 'd' && code[i + 1] == 'o') {
            return true;
        }
        if (code[i] == '|' && (i + 1 == length || code[i + 1] != '|')) {
            return true;
        }
        i += code[i] == '|' ? 1 : 0;
    }
    return false;
}
