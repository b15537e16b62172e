/*
 * A pause that a signal ends at once.
 */
#include "signalbox/process/attention.h"

#include <poll.h>

#include "signalbox/base/deadline.h"

bool attention_pause(const struct attention *attention, int64_t deadline_ms) {
    while (!deadline_passed(deadline_ms)) {
        struct pollfd descriptor = {.fd = attention->fd, .events = POLLIN};
        int ready = poll(&descriptor, 1, deadline_poll_timeout_ms(deadline_ms));
        if (ready > 0 && attention->cancelled(attention->argument)) {
            return true;
        }
    }
    return false;
}
