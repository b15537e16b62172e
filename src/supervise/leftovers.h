/*
 * What a phase's process left behind, and how it is ended.
 */
#ifndef SIGNALBOX_SUPERVISE_LEFTOVERS_H
#define SIGNALBOX_SUPERVISE_LEFTOVERS_H

#include <stdint.h>

#include "supervise/phase.h"

/* Asks what is left to end, now with TERM and at `kill_at_ms` at the latest with KILL; once that
 * time has passed, KILL each time it is called. Sets phase->is_out_of_reach. */
void leftovers_end(struct phase *phase, int64_t kill_at_ms);

/* Says that what is left cannot be ended and is left alone. */
void leftovers_give_up(const struct phase *phase);

#endif
