/*
 * A pause that a signal ends at once. The trap: what asked for an end may have been taken from the
 * descriptor by an earlier wait, so that nothing comes there any more.
 */
#include "signalbox/process/interrupt.h"

#include <poll.h>
#include <stddef.h>

#include "signalbox/base/deadline.h"

bool attention_pause(const struct attention *attention, int64_t deadline_ms) {
    while (attention->cancelled == NULL || !attention->cancelled(attention->argument)) {
        if (deadline_passed(deadline_ms)) {
            return false;
        }
        struct pollfd descriptor = {.fd = attention->fd, .events = POLLIN};
        (void)poll(&descriptor, 1, deadline_poll_timeout_ms(deadline_ms));
    }
    return true;
}
