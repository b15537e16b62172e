/*
 * The kernel's randomness, without waiting for it.
 */
#include "signalbox/base/random.h"

#include <sys/random.h>

uint32_t random_number(void) {
    uint32_t random = 0;
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    return random;
}

int64_t random_jittered_ms(int64_t longest_ms, uint32_t random) {
    return longest_ms / 2 + (int64_t)(random % 1000) * longest_ms / 2000;
}
