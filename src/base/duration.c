/*
 * Durations as people write and read them.
 */
#include "signalbox/base/duration.h"

#include <stdio.h>
#include <string.h>

#include "signalbox/base/number.h"

enum duration_parsed duration_parse(const char *string, int64_t *duration_ms) {
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(string, "0123456789");
    for (size_t i = 0; digits > 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(string + digits, units[i].suffix) == 0) {
            int64_t value = 0;
            /* More digits than a number holds are a long time as well. */
            if (!number_parse_digits(string, digits, &value) ||
                value > DURATION_LONGEST_MS / units[i].factor) {
                return DURATION_TOO_LONG;
            }
            *duration_ms = value * units[i].factor;
            return DURATION_PARSED;
        }
    }
    return DURATION_MALFORMED;
}

struct duration_text duration_describe(int64_t duration_ms) {
    struct duration_text result;
    long long total_s = (long long)(duration_ms / 1000);
    if (duration_ms < 1000) {
        (void)snprintf(result.string, sizeof result.string, "%lld ms", (long long)duration_ms);
    } else if (total_s < 60) {
        (void)snprintf(result.string, sizeof result.string, "%lld.%lld s", total_s,
            (long long)(duration_ms % 1000 / 100));
    } else if (total_s < 3600) {
        (void)snprintf(
            result.string, sizeof result.string, "%lld min %lld s", total_s / 60, total_s % 60);
    } else {
        (void)snprintf(result.string, sizeof result.string, "%lld h %lld min", total_s / 3600,
            total_s % 3600 / 60);
    }
    return result;
}
