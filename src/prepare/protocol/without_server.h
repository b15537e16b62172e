/*
 * The operations of a backend that has no server behind it: nobody's slots to spare, no
 * statements that outlive a step, no connection to watch. `self` is not looked at.
 */
#ifndef PREPARE_PROTOCOL_WITHOUT_SERVER_H
#define PREPARE_PROTOCOL_WITHOUT_SERVER_H

#include "prepare/protocol/backend.h"

/* The pause as it is: looking costs nobody anything. */
int64_t without_server_rest(void *self, int64_t pause_ms);

/* Nothing remains, and nothing is ended. */
enum observation without_server_fence(
    void *self, bool is_before_steps, struct fence_report *found, struct error *error);
void without_server_fence_own(void *self);
void without_server_name_remains(void *self);

/* None: nothing has to know the steps by a name. */
const char *without_server_step_assignment(void *self);

/* None. */
int without_server_guard_fd(void *self);

#endif
