/*
 * One clock and one unit for every wait: milliseconds of CLOCK_MONOTONIC. A deadline is a point on
 * that clock; a duration is a difference.
 */
#ifndef SIGNALBOX_BASE_DEADLINE_H
#define SIGNALBOX_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_NEVER INT64_MAX

/* A duration so long that the sum would overflow becomes DEADLINE_NEVER. */
int64_t deadline_after_ms(int64_t duration_ms);

/* The same from another instant than now, such as that of the last look. */
int64_t deadline_later_ms(int64_t instant_ms, int64_t duration_ms);

bool deadline_passed(int64_t deadline_ms);

static inline int64_t deadline_earlier(int64_t one_ms, int64_t other_ms) {
    return one_ms < other_ms ? one_ms : other_ms;
}

/* The timeout to give to poll(2): -1 for DEADLINE_NEVER, 0 when it has passed. */
int deadline_poll_timeout_ms(int64_t deadline_ms);

#endif
