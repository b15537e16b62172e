/*
 * Everything but what asks for an end is taken and forgotten: a stopped or reloading
 * holder of the lock would hold up every replica.
 */
#include "signalbox/process/stop_request.h"

#include <signal.h>

#include "signalbox/process/signals.h"

bool stop_request_heard(struct stop_request *stop_request) {
    struct received_signal received;
    while (signals_read(stop_request->signal_fd, &received)) {
        bool asks_for_end = signals_ask_for_end(received.number) ||
            (received.number == SIGALRM && stop_request->heeds_alarm);
        if (asks_for_end && stop_request->signal == 0) {
            stop_request->signal = received.number;
        }
    }
    return stop_request->signal != 0;
}

static bool heard(void *argument) {
    return stop_request_heard(argument);
}

struct interrupt stop_request_interrupt(struct stop_request *stop_request) {
    return (struct interrupt){
        .fd = stop_request->signal_fd, .cancelled = heard, .argument = stop_request};
}
