/*
 * UTF-8 as RFC 3629 has it. Overlong forms and surrogates are refused, as every strict reader of
 * our output refuses them.
 */
#include "signalbox/base/utf8.h"

#include "signalbox/base/cleanup.h"

size_t utf8_length(const char *text) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2},
        {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3},
        {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4},
        {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high) {
            continue;
        }
        if (bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high) {
            return 0;
        }
        for (size_t at = 2; at < forms[i].length; at++) {
            if ((bytes[at] & 0xC0U) != 0x80U) {
                return 0;
            }
        }
        return forms[i].length;
    }
    return 0;
}
