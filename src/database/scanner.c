/*
 * Reads words and literals, and evaluates nothing. The trap is Ruby's own latitude: a form that
 * could mean something else is unclear.
 */
#include "database/scanner.h"

#include <ctype.h>
#include <string.h>

struct ruby_value scanner_unclear(struct scanner *scanner) {
    if (scanner->reading == READ_WELL) {
        scanner->reading =
            finding_set(scanner->finding, READ_UNCLEAR, 0, "is more Ruby than is read here");
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

/* A block that Ruby would not call may hold anything: it ends with its bracket. What is in quotes
 * is not looked into, so a quote in it leaves the block to Ruby. */
bool scanner_skip_dead_block(struct scanner *scanner) {
    int open = 1;
    for (; scanner->at < scanner->end; scanner->at++) {
        if (strchr("/%?`'#", *scanner->at) != NULL) {
            return false;
        }
        if (*scanner->at == '"') {
            const char *close =
                memchr(scanner->at + 1, '"', (size_t)(scanner->end - scanner->at) - 1);
            if (close == NULL || memchr(scanner->at, '\\', (size_t)(close - scanner->at)) ||
                memchr(scanner->at, '{', (size_t)(close - scanner->at))) {
                return false;
            }
            scanner->at = close;
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
