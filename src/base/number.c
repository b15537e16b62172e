/*
 * Strict readers of numbers: the whole word counts.
 * The trap: strtol skips leading white space, takes signs, and stops silently at the first byte
 * that is no digit.
 */
#include "signalbox/base/number.h"

#include <string.h>

bool number_parse_digits(const char *digits, size_t length, int64_t *number) {
    int64_t value = 0;
    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        int64_t digit = digits[i] - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool number_parse(const char *string, int64_t lowest, int64_t highest, int64_t *number) {
    bool negative = string[0] == '-';
    const char *digits = negative ? string + 1 : string;
    int64_t value = 0;
    if (!number_parse_digits(digits, strlen(digits), &value)) {
        return false;
    }
    value = negative ? -value : value;
    if (value < lowest || value > highest) {
        return false;
    }
    *number = value;
    return true;
}
