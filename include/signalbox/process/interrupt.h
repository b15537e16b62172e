/*
 * What may end a wait early. A wait in poll(2) watches `fd` as well, and when that becomes readable
 * it asks `cancelled`, which takes what is there and says whether it means an end.
 */
#ifndef SIGNALBOX_PROCESS_INTERRUPT_H
#define SIGNALBOX_PROCESS_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

struct interrupt {
    int fd;
    bool (*cancelled)(void *argument);
    void *argument;
};

/* Waits until the deadline; true when it was cancelled before. */
bool interrupt_pause(const struct interrupt *interrupt, int64_t deadline_ms);

#endif
