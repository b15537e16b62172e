/*
 * No lock and no ledger. Nothing here can fail, and nothing can be lost.
 */
#include "prepare/none/none_backend.h"

#include <stddef.h>

#include "prepare/protocol/without_server.h"
#include "signalbox/base/deadline.h"

static enum observation succeed(void *self, struct error *error) {
    (void)self;
    (void)error;
    return SEEN_DONE;
}

static void do_nothing(void *self) {
    (void)self;
}

static enum observation look(void *self, struct look *seen, struct error *error) {
    (void)self;
    (void)error;
    *seen = (struct look){.has_ledger = false};
    return SEEN_DONE;
}

static enum observation preflight(void *self, struct preflight *found, struct error *error) {
    (void)self;
    (void)error;
    *found = (struct preflight){.is_new = false};
    return SEEN_DONE;
}

static enum observation run_begin(void *self, const struct run_beginning *beginning, int64_t *id,
    struct run *dead, struct error *error) {
    (void)self;
    (void)beginning;
    (void)error;
    *id = 0;
    *dead = (struct run){.state = RUN_NONE};
    return SEEN_DONE;
}

static enum observation run_end(void *self, struct run *outcome, struct error *error) {
    (void)self;
    (void)outcome;
    (void)error;
    return SEEN_DONE;
}

static int step_fd(void *self) {
    (void)self;
    return -1;
}

static int64_t guard_deadline_ms(void *self) {
    (void)self;
    return DEADLINE_NEVER;
}

static bool guard_holds(void *self) {
    (void)self;
    return true;
}

static enum observation history(void *self, struct history *found, struct error *error) {
    (void)self;
    (void)error;
    *found = (struct history){.absent = "with --lock=none nothing is recorded"};
    return SEEN_DONE;
}

struct backend none_backend_interface(void) {
    static const struct backend_operations operations = {
        .connect = succeed,
        .look = look,
        .lock_try = succeed,
        .lock_release = do_nothing,
        .rest = without_server_rest,
        .preflight = preflight,
        .run_begin = run_begin,
        .fence = without_server_fence,
        .fence_own = without_server_fence_own,
        .name_remains = without_server_name_remains,
        .step_assignment = without_server_step_assignment,
        .step_fd = step_fd,
        .run_end = run_end,
        .why_lost = "there was none",
        .guard_fd = without_server_guard_fd,
        .guard_deadline_ms = guard_deadline_ms,
        .guard_holds = guard_holds,
        .history = history,
        .disconnect = do_nothing,
    };
    return (struct backend){.operations = &operations, .self = NULL};
}
