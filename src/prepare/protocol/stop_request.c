/*
 * Everything but what asks for an end is taken and forgotten: a stopped or reloading
 * holder of the lock would hold up every replica.
 */
#include "prepare/protocol/stop_request.h"

#include <signal.h>

#include "signalbox/process/signals.h"

bool cancellation_heard(struct cancellation *cancellation) {
    struct received_signal received;
    while (signals_read(cancellation->signal_fd, &received)) {
        bool asks_for_end = signal_asks_for_end(received.number) ||
            (received.number == SIGALRM && cancellation->heeds_alarm);
        if (asks_for_end && cancellation->signal == 0) {
            cancellation->signal = received.number;
        }
    }
    return cancellation->signal != 0;
}

static bool heard(void *argument) {
    return cancellation_heard(argument);
}

struct attention cancellation_attention(struct cancellation *cancellation) {
    return (struct attention){
        .fd = cancellation->signal_fd, .cancelled = heard, .argument = cancellation};
}
