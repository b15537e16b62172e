/*
 * Owns the one variable that must differ between us and the command: LISTEN_PID, and with it
 * LISTEN_PIDFDID, which says the same in another way and would no longer be true. The number is
 * known only in the child of a vfork, where nothing may be allocated.
 */
#include "process/listening.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NAME "LISTEN_PID="

bool listening_prepare(struct listening *listening, char *const environment[], pid_t self) {
    size_t count = 0;
    bool is_for_us = false;
    *listening = (struct listening){.assignment = NAME};
    for (; environment[count] != NULL; count++) {
        int64_t named = 0;
        is_for_us = is_for_us ||
            (string_has_prefix(environment[count], NAME) &&
                number_parse(environment[count] + strlen(NAME), 1, INT32_MAX, &named) &&
                named == self);
    }
    if (!is_for_us) {
        return true;
    }
    listening->environment = calloc(count + 1, sizeof *listening->environment);
    if (listening->environment == NULL) {
        return false;
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (string_has_prefix(environment[i], NAME)) {
            listening->environment[used++] = listening->assignment;
        } else if (!string_has_prefix(environment[i], "LISTEN_PIDFDID=")) {
            listening->environment[used++] = environment[i];
        }
    }
    return true;
}

void listening_hand_on(struct listening *listening, pid_t process) {
    char digits[sizeof listening->assignment];
    size_t count = 0;
    for (pid_t rest = process; rest > 0; rest /= 10) {
        digits[count++] = (char)('0' + rest % 10);
    }
    char *place = listening->assignment + strlen(NAME);
    while (count > 0) {
        *place++ = digits[--count];
    }
    *place = '\0';
}

void listening_release(struct listening *listening) {
    free(listening->environment);
}
