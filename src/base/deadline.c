/*
 * Deadlines on the monotonic clock, which neither NTP nor an operator moves.
 */
#include "signalbox/base/deadline.h"

#include <limits.h>

#include "signalbox/base/clock.h"

int64_t deadline_later_ms(int64_t instant_ms, int64_t duration_ms) {
    return duration_ms > DEADLINE_NEVER - instant_ms ? DEADLINE_NEVER : instant_ms + duration_ms;
}

int64_t deadline_after_ms(int64_t duration_ms) {
    return deadline_later_ms(clock_now_ms(), duration_ms);
}

bool deadline_passed(int64_t deadline_ms) {
    return clock_now_ms() >= deadline_ms;
}

int deadline_poll_timeout_ms(int64_t deadline_ms) {
    if (deadline_ms == DEADLINE_NEVER) {
        return -1;
    }
    int64_t left_ms = deadline_ms - clock_now_ms();
    if (left_ms <= 0) {
        return 0;
    }
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
