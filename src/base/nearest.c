/*
 * Levenshtein's distance over two rows of a table.
 */
#include "signalbox/base/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST_WORD = 63 };

static size_t least(size_t one, size_t other) {
    return one < other ? one : other;
}

size_t nearest_distance(const char *one, const char *other) {
    size_t length = strlen(other);
    if (length > LONGEST_WORD || strlen(one) > LONGEST_WORD) {
        return SIZE_MAX;
    }
    size_t row[LONGEST_WORD + 1];
    for (size_t i = 0; i <= length; i++) {
        row[i] = i;
    }
    for (size_t at = 0; one[at] != '\0'; at++) {
        size_t diagonal = row[0];
        row[0] = at + 1;
        for (size_t i = 1; i <= length; i++) {
            size_t above = row[i];
            size_t replaced = diagonal + (one[at] == other[i - 1] ? 0 : 1);
            row[i] = least(replaced, least(above, row[i - 1]) + 1);
            diagonal = above;
        }
    }
    return row[length];
}
