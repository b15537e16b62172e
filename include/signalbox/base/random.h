/*
 * Randomness for drifting apart: pauses of replicas that began in the same instant. For nothing
 * that has to be secret or unique.
 */
#ifndef SIGNALBOX_BASE_RANDOM_H
#define SIGNALBOX_BASE_RANDOM_H

#include <stdint.h>

/* Never blocks; 0 where the kernel has none yet, and then replicas only drift apart less. */
uint32_t random_number(void);

/* From half to the whole of `longest_ms`. */
int64_t random_jittered_ms(int64_t longest_ms, uint32_t random);

#endif
