/*
 * The ear of a child that works: the signals that ask it to end, remembered once heard.
 */
#ifndef SIGNALBOX_PROCESS_STOP_REQUEST_H
#define SIGNALBOX_PROCESS_STOP_REQUEST_H

#include "signalbox/process/interrupt.h"

struct stop_request {
    int signal_fd;
    int signal;       /* The first that came and asked for an end, or 0. */
    bool heeds_alarm; /* ALRM asks for an end too: a timer was set. */
};

/* Takes every pending signal; true when one of them, or an earlier one, asked for an end. */
bool stop_request_heard(struct stop_request *stop_request);

/* The same as something to wait with. */
struct interrupt stop_request_interrupt(struct stop_request *stop_request);

#endif
