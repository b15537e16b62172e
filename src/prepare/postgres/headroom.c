/*
 * Carries out what slots.c decides. An attempt that is refused because many replicas look at once
 * must neither count as a broken server nor be repeated at once.
 */
#include "prepare/postgres/headroom.h"

#include <string.h>

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

void headroom_begin_look(struct headroom *headroom, const struct link *link) {
    headroom->look_began_ms = clock_now_ms();
    headroom->look_connects = link->session.connection == NULL;
}

void headroom_note_run(struct headroom *headroom, const struct run *run) {
    headroom->run_id = run->state == RUN_RUNNING ? run->id : 0;
    /* Who waits for another run counts anew; while none is under way, the last number is the best
     * there is. */
    if (headroom->run_id != 0) {
        headroom->waiters = run->waiters;
    }
}

bool headroom_is_in_the_way(const struct link *link, enum session_result result) {
    const struct session_failure *failure = &link->session.failure;
    bool is_queued = link->is_pooled &&
        (result == SESSION_TIMED_OUT ||
            (result == SESSION_FAILED && strstr(failure->message, "query_wait_timeout") != NULL));
    return link->was_reached &&
        (is_queued || (result == SESSION_FAILED && failure->trouble == TROUBLE_NO_SLOT));
}

enum observation headroom_give_way(
    struct link *link, enum session_result result, struct error *error) {
    static const struct session_failure queued = {
        .trouble = TROUBLE_NO_SLOT, .message = "the pooler has none free"};
    const struct session_failure failure =
        result == SESSION_TIMED_OUT ? queued : link->session.failure;
    session_close(&link->session);
    return link_find_no_slot(link, &failure, error);
}

static void count_oneself(
    struct headroom *headroom, struct link *link, const struct ledger *ledger) {
    int64_t waiters = 0;
    bool is_due = headroom->run_id != 0 && headroom->run_id != headroom->counted_in;
    if (!is_due || link->is_read_only || ledger->table == NULL) {
        return;
    }
    enum session_result result = ledger_count_waiter(
        ledger, &link->session, headroom->run_id, &waiters, deadline_after_ms(COUNT_TIMEOUT_MS));
    /* Not tried again where it fails, which then stands once in the server's log, or never can. */
    if (result != SESSION_DONE || waiters != 0) {
        headroom->counted_in = headroom->run_id;
    }
    if (waiters > headroom->waiters) {
        headroom->waiters = waiters;
    }
}

static void note_look(struct headroom *headroom) {
    int64_t look_ms = clock_now_ms() - headroom->look_began_ms;
    if (headroom->look_connects && (headroom->look_ms == 0 || look_ms < headroom->look_ms)) {
        headroom->look_ms = look_ms;
    }
}

int64_t headroom_rest(
    struct headroom *headroom, struct link *link, const struct ledger *ledger, int64_t pause_ms) {
    struct slots slots;
    int64_t now_ms = clock_now_ms();
    bool is_connected = link->session.connection != NULL;
    if (is_connected && headroom->counted_ms != 0 &&
        now_ms - headroom->counted_ms < COUNT_EVERY_MS) {
        return pause_ms;
    }
    bool is_counted = is_connected &&
        slots_read(&link->session, &slots, deadline_after_ms(COUNT_TIMEOUT_MS)) == SESSION_DONE;
    struct waiter waiter = {
        .slots = is_counted ? &slots : NULL,
        .is_pooled = link->is_pooled,
        .last_base_ms = headroom->rest_base_ms,
        .pause_ms = pause_ms,
        .look_ms = headroom->look_ms,
        .counted = headroom->waiters,
    };
    if (is_counted && slots_rest(&waiter, 0).hangs_up) {
        note_look(headroom);
        count_oneself(headroom, link, ledger);
        waiter.look_ms = headroom->look_ms;
        waiter.counted = headroom->waiters;
    }
    struct rest decided = slots_rest(&waiter, random_number());
    headroom->rest_base_ms = decided.base_ms;
    headroom->counted_ms = decided.hangs_up ? 0 : now_ms;
    if (decided.hangs_up) {
        session_close(&link->session);
    }
    return decided.pause_ms;
}

enum session_result headroom_wait_for_calm(
    struct headroom *headroom, struct link *link, struct fence_report *found, int64_t deadline_ms) {
    struct slots slots;
    int room = 0;
    enum session_result result = slots_read(&link->session, &slots, deadline_ms);
    int64_t now_ms = clock_now_ms();
    if (result != SESSION_DONE || slots_are_calm(&slots, &room)) {
        return result;
    }
    if (headroom->uncalm_since_ms == 0) {
        headroom->uncalm_since_ms = now_ms;
    }
    /* The lock must be looked after in between. */
    bool has_room = link_has_room(link, room, deadline_after_ms(COUNT_TIMEOUT_MS));
    headroom->calm_streak = has_room ? headroom->calm_streak + 1 : 0;
    if (headroom->calm_streak < CALM_STREAK &&
        now_ms - headroom->uncalm_since_ms < CALM_TIMEOUT_MS) {
        found->remaining = 1;
        if (now_ms - headroom->uncalm_since_ms >= SAY_AFTER_MS) {
            slots_describe(&slots, found->holder);
        }
    }
    return SESSION_DONE;
}
