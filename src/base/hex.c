/*
 * Hexadecimal digits, without the locale.
 */
#include "signalbox/base/hex.h"

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int hex_byte(const char *digits) {
    int high = hex_digit(digits[0]);
    int low = high < 0 ? -1 : hex_digit(digits[1]);
    return low < 0 ? -1 : high * 16 + low;
}

void hex_write(const unsigned char *bytes, size_t count, char *digits) {
    static const char figures[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *digits++ = figures[bytes[i] >> 4];
        *digits++ = figures[bytes[i] & 0xF];
    }
    *digits = '\0';
}
