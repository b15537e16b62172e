/*
 * Any bytes as the answer of who was asked for an environment: what is taken from it is in it, and
 * is a variable each. The input ends at its own end, so that a byte read behind it is seen.
 */
#include <string.h>

#include "command/reply_format.h"
#include "fuzz.h"
#include "signalbox/base/cleanup.h"

static void check(const char *bytes, size_t size, const struct wrapper_answer *answer) {
    size_t length = strlen(answer->directory) + 1;
    HOLDS(memmem(bytes, size, answer->directory, length) != NULL);
    for (size_t i = 0; i < answer->environment.count; i++) {
        const char *variable = answer->environment.items[i];
        const char *equals = strchr(variable, '=');
        HOLDS(equals != NULL && equals != variable);
        length += strlen(variable) + 1;
    }
    HOLDS(length < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *bytes = malloc(size == 0 ? 1 : size);
    struct wrapper_answer answer;
    HOLDS(bytes != NULL);
    memcpy(bytes, data, size);
    if (reply_format_read(bytes, size, &answer) == REPLY_WHOLE) {
        check(bytes, size, &answer);
        ask_release_answer(&answer);
    }
    return 0;
}
