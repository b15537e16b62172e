/*
 * Carries out what slots.c decides. The trap is an attempt that is refused because others look: it
 * must neither count as a broken server nor be repeated at once.
 */
#include "prepare/postgres/headroom.h"

#include <string.h>

#include "prepare/postgres/connect.h"
#include "prepare/postgres/slots.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/random.h"

enum {
    COUNT_TIMEOUT_MS = 5000,
    COUNT_EVERY_MS = 1000, /* A waiter that keeps its connection. */
    CALM_TIMEOUT_MS = 30000,
    CALM_STREAK = 3,
    SAY_AFTER_MS = 2000
};

bool headroom_is_in_the_way(const struct postgres_backend *backend, enum session_result result,
    const struct session_failure *failure) {
    bool is_queued = backend->is_pooled &&
        (result == SESSION_TIMED_OUT ||
            (result == SESSION_FAILED && strstr(failure->message, "query_wait_timeout") != NULL));
    return backend->was_reached &&
        (is_queued || (result == SESSION_FAILED && failure->trouble == TROUBLE_NO_SLOT));
}

enum observation headroom_give_way(
    struct postgres_backend *backend, enum session_result result, struct error *error) {
    static const struct session_failure queued = {
        .trouble = TROUBLE_NO_SLOT, .message = "the pooler has none free"};
    const struct session_failure failure =
        result == SESSION_TIMED_OUT ? queued : backend->reader.failure;
    session_close(&backend->reader);
    return connect_find_no_slot(backend, &failure, error);
}

int64_t headroom_rest(struct postgres_backend *backend, int64_t pause_ms) {
    struct slots slots;
    int64_t now_ms = clock_now_ms();
    bool is_connected = backend->reader.connection != NULL;
    if (is_connected && backend->counted_ms != 0 && now_ms - backend->counted_ms < COUNT_EVERY_MS) {
        return pause_ms;
    }
    bool is_counted = is_connected &&
        slots_read(&backend->reader, &slots, deadline_after_ms(COUNT_TIMEOUT_MS)) == SESSION_DONE;
    struct waiter waiter = {
        .slots = is_counted ? &slots : NULL,
        .is_pooled = backend->is_pooled,
        .last_base_ms = backend->rest_base_ms,
        .pause_ms = pause_ms,
        .looked_ms = clock_now_ms() - backend->look_began_ms,
    };
    struct rest decided = slots_rest(&waiter, random_number());
    backend->rest_base_ms = decided.base_ms;
    backend->counted_ms = decided.hangs_up ? 0 : now_ms;
    if (decided.hangs_up) {
        session_close(&backend->reader);
    }
    return decided.pause_ms;
}

enum session_result headroom_wait_for_calm(
    struct postgres_backend *backend, struct fence_report *found, int64_t deadline_ms) {
    struct slots slots;
    int room = 0;
    enum session_result result = slots_read(&backend->reader, &slots, deadline_ms);
    int64_t now_ms = clock_now_ms();
    if (result != SESSION_DONE || slots_are_calm(&slots, &room)) {
        return result;
    }
    if (backend->uncalm_since_ms == 0) {
        backend->uncalm_since_ms = now_ms;
    }
    /* The lock must be looked after in between. */
    bool has_room = connect_has_room(backend, room, deadline_after_ms(COUNT_TIMEOUT_MS));
    backend->calm_streak = has_room ? backend->calm_streak + 1 : 0;
    if (backend->calm_streak < CALM_STREAK && now_ms - backend->uncalm_since_ms < CALM_TIMEOUT_MS) {
        found->remaining = 1;
        if (now_ms - backend->uncalm_since_ms >= SAY_AFTER_MS) {
            slots_describe(&slots, found->holder);
        }
    }
    return SESSION_DONE;
}
