/*
 * Psych's reading of plain scalars: `no` is false, `0123` is 83, `5_432` is 5432, `:x` is a symbol.
 * The value is unclear where Psych's versions differ, and for floats, times and numbers with a base
 * of 60, whose printed form only Ruby knows.
 */
#include "database/scalar.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_word_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (unsigned char)byte >= 0x80 || (byte != '\0' && strchr("_ \t!@#$%^&*(){}<>|/\\~;=", byte));
}

/* Psych's first pattern: what begins like a word is a string, or one of the few short words. */
static bool is_word(const char *text, size_t length) {
    if (is_word_byte(text[0])) {
        return true;
    }
    return !is_digit(text[0]) && strchr(".:-", text[0]) == NULL && length > 1 &&
        is_word_byte(text[1]);
}

static bool is_one_of(const char *text, const char *const words[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum value_kind kind_of_word(const char *text) {
    static const char *const nils[] = {"~", "null"};
    static const char *const trues[] = {"yes", "true", "on"};
    static const char *const falses[] = {"no", "false", "off"};
    if (is_one_of(text, nils, ARRAY_LENGTH(nils))) {
        return VALUE_NIL;
    }
    if (is_one_of(text, trues, ARRAY_LENGTH(trues))) {
        return VALUE_TRUE;
    }
    return is_one_of(text, falses, ARRAY_LENGTH(falses)) ? VALUE_FALSE : VALUE_STRING;
}

static int digit_value(char byte) {
    if (is_digit(byte)) {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

/* Digits of a base with separators between them. VALUE_STRING where a digit is none of that base;
 * VALUE_UNCLEAR where only the separators are unusual or the number is too large. */
static enum value_kind read_digits(
    const char *digits, size_t length, int base, const char *separators, int64_t *number) {
    bool needs_rails = length == 0;
    bool had_digit = false;
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] != '\0' && strchr(separators, digits[i]) != NULL) {
            needs_rails = needs_rails || !had_digit || i + 1 == length;
            had_digit = false;
            continue;
        }
        int digit = digit_value(digits[i]);
        if (digit >= base) {
            return VALUE_STRING;
        }
        had_digit = true;
        needs_rails = needs_rails || __builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, digit, number);
    }
    return needs_rails ? VALUE_UNCLEAR : VALUE_INTEGER;
}

static enum value_kind kind_of_integer(const char *text, size_t length, int64_t *number) {
    bool is_negative = text[0] == '-';
    size_t sign = is_negative || text[0] == '+' ? 1 : 0;
    const char *digits = text + sign;
    length -= sign;
    enum value_kind kind = VALUE_STRING;
    if (length > 1 && digits[0] == '0' && digits[1] == 'x') {
        kind = read_digits(digits + 2, length - 2, 16, "_,", number);
    } else if (length > 1 && digits[0] == '0' && digits[1] == 'b') {
        kind = read_digits(digits + 2, length - 2, 2, "_,", number);
    } else if (length > 1 && digits[0] == '0') {
        kind = read_digits(digits, length, 8, "_,", number);
    } else if (length > 0 && is_digit(digits[0])) {
        kind = read_digits(digits, length, 10, "_,", number);
    }
    if (is_negative) {
        *number = -*number;
    }
    return kind;
}

/* Whether it is made only of what floats, times, dates and numbers with colons are made of; more
 * than one dot outside of a time is an address and a string. */
static bool could_be_other_number(const char *text, size_t length) {
    size_t dots = 0;
    size_t colons = 0;
    size_t dashes = 0;
    for (size_t i = 0; i < length; i++) {
        dots += text[i] == '.' ? 1 : 0;
        colons += text[i] == ':' ? 1 : 0;
        dashes += i > 0 && text[i] == '-' ? 1 : 0;
    }
    if (strspn(text, "0123456789_,.:-+ eEtTzZ") != length) {
        return false;
    }
    return dots == 1 || (colons > 0 && dots == 0) || dashes >= 2;
}

static struct value *resolve_other(
    struct value_pool *pool, const char *text, size_t length, int line) {
    static const char *const specials[] = {".inf", "+.inf", "-.inf", ".nan"};
    int64_t number = 0;
    if (text[0] == ':' && length > 1) {
        bool is_quoted = text[1] == '"' || text[1] == '\'';
        return value_make(
            pool, is_quoted ? VALUE_UNCLEAR : VALUE_SYMBOL, text + 1, length - 1, line);
    }
    enum value_kind kind = kind_of_integer(text, length, &number);
    if (kind == VALUE_INTEGER) {
        char decimal[24];
        int written = snprintf(decimal, sizeof decimal, "%lld", (long long)number);
        return value_make(pool, kind, decimal, (size_t)written, line);
    }
    if (kind == VALUE_STRING &&
        (could_be_other_number(text, length) ||
            is_one_of(text, specials, ARRAY_LENGTH(specials)))) {
        kind = VALUE_UNCLEAR;
    }
    return value_make(pool, kind, text, length, line);
}

struct value *scalar_resolve(struct value_pool *pool, const char *text, size_t length, int line) {
    if (length == 0) {
        return value_make(pool, VALUE_NIL, NULL, 0, line);
    }
    if (memchr(text, '\n', length) != NULL || memchr(text, '\0', length) != NULL) {
        bool is_text = length > 5 && memchr(text, '\0', length) == NULL;
        return value_make(pool, is_text ? VALUE_STRING : VALUE_UNCLEAR, text, length, line);
    }
    if (!is_word(text, length)) {
        return resolve_other(pool, text, length, line);
    }
    enum value_kind kind = kind_of_word(text);
    if (kind == VALUE_STRING) {
        return value_make(pool, kind, text, length, line);
    }
    return value_make(pool, kind, NULL, 0, line);
}
