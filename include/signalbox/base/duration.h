/*
 * Durations in milliseconds, as people write and read them.
 */
#ifndef SIGNALBOX_BASE_DURATION_H
#define SIGNALBOX_BASE_DURATION_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"

/* A year. Longer than any wait, and so short that no sum of a few durations overflows. */
#define DURATION_LONGEST_MS (INT64_C(365) * 24 * 3600 * 1000)

enum duration_parsed { DURATION_PARSED, DURATION_MALFORMED, DURATION_TOO_LONG };

/* "500ms", "30s", "10m", "1h" as milliseconds, which are not touched where it is anything else. */
enum duration_parsed duration_parse(const char *string, int64_t *duration_ms) MUST_USE;

/* For people: "850 ms", "12.3 s", "4 min 10 s", "2 h 5 min". */
struct duration_text {
    char string[32];
};
struct duration_text duration_describe(int64_t duration_ms);

#endif
