/*
 * A pause that a signal ends at once. An earlier wait may have taken the signal from the descriptor
 * already, so that nothing comes there any more; so the request itself is asked first.
 */
#include "signalbox/process/interrupt.h"

#include <poll.h>
#include <stddef.h>

#include "signalbox/base/deadline.h"

bool interrupt_pause(const struct interrupt *interrupt, int64_t deadline_ms) {
    while (interrupt->cancelled == NULL || !interrupt->cancelled(interrupt->argument)) {
        if (deadline_passed(deadline_ms)) {
            return false;
        }
        struct pollfd descriptor = {.fd = interrupt->fd, .events = POLLIN};
        (void)poll(&descriptor, 1, deadline_poll_timeout_ms(deadline_ms));
    }
    return true;
}
