/*
 * Nothing, in the form that the interface asks for.
 */
#include "prepare/protocol/without_server.h"

#include <stddef.h>

int64_t without_server_rest(void *self, int64_t pause_ms) {
    (void)self;
    return pause_ms;
}

enum observation without_server_fence(
    void *self, bool is_before_steps, struct fence_report *found, struct error *error) {
    (void)self;
    (void)is_before_steps;
    (void)error;
    *found = (struct fence_report){.remaining = 0};
    return SEEN_DONE;
}

void without_server_fence_own(void *self) {
    (void)self;
}

void without_server_name_remains(void *self) {
    (void)self;
}

const char *without_server_step_assignment(void *self) {
    (void)self;
    return NULL;
}

int without_server_guard_fd(void *self) {
    (void)self;
    return -1;
}
