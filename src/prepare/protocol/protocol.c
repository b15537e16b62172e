/*
 * The table. Section 6 of the design can be checked against it row by row. A pair that is not here
 * cannot happen; whoever sees one has found a bug, and must fail rather than start a server.
 */
#include "prepare/protocol/protocol.h"

#include <stddef.h>

#include "signalbox/base/cleanup.h"

#define THEN(next, action) next, action, OUTCOME_NONE
#define END(outcome) PROTOCOL_ENDED, ACT_NONE, outcome

static const struct protocol_row rows[] = {
    {PROTOCOL_CONNECTING, SEEN_DONE, THEN(PROTOCOL_LOOKING, ACT_LOOK),
        "Whether this content is prepared is asked first: a restart boots no Rails."},
    {PROTOCOL_CONNECTING, SEEN_CROWDED, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "The server is there and has no free slot: that is no reason to give up waiting."},
    {PROTOCOL_CONNECTING, SEEN_REFUSED, END(OUTCOME_REFUSED),
        "The database was not reachable in time, or refuses us."},
    {PROTOCOL_CONNECTING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "It went away again with its first answer: start over, until the connect timeout."},
    {PROTOCOL_CONNECTING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "Nothing is held yet."},

    {PROTOCOL_LOOKING, SEEN_SUCCEEDED, END(OUTCOME_PREPARED),
        "The ledger says that this content is prepared."},
    {PROTOCOL_LOOKING, SEEN_FAILED, END(OUTCOME_FAILED),
        "The run that this replica waited for failed: every waiter shares its outcome."},
    {PROTOCOL_LOOKING, SEEN_UNDECIDED, THEN(PROTOCOL_TRYING, ACT_TRY_LOCK),
        "Nothing is decided: the replica that gets the lock may run."},
    {PROTOCOL_LOOKING, SEEN_NOT_OURS, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "A replica that only waits never touches the lock."},
    {PROTOCOL_LOOKING, SEEN_TOO_SOON, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "It has failed twice or more in a row: a restart policy must not hammer the database."},
    {PROTOCOL_LOOKING, SEEN_STANDBY, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "After a failover the name still points at a standby for a while: connect again."},
    {PROTOCOL_LOOKING, SEEN_CROWDED, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "No slot for looking: a waiting replica must not take those that the steps need."},
    {PROTOCOL_LOOKING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "The server went away while nothing was held: start over."},
    {PROTOCOL_LOOKING, SEEN_REFUSED, END(OUTCOME_REFUSED), "The server said no for good."},
    {PROTOCOL_LOOKING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "Nothing is held."},

    {PROTOCOL_TRYING, SEEN_DONE, THEN(PROTOCOL_CONFIRMING, ACT_LOOK),
        "The lock is ours, but the last holder may have finished between our look and our try."},
    {PROTOCOL_TRYING, SEEN_LOCK_HELD, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "Another replica prepares: look again later, and never wait inside the server."},
    {PROTOCOL_TRYING, SEEN_CROWDED, THEN(PROTOCOL_WAITING, ACT_PAUSE),
        "No slot for the second connection: let others finish, and try again."},
    {PROTOCOL_TRYING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "The server went away while nothing was held: start over."},
    {PROTOCOL_TRYING, SEEN_REFUSED, END(OUTCOME_REFUSED), "The server said no for good."},
    {PROTOCOL_TRYING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "Nothing is held."},

    {PROTOCOL_WAITING, SEEN_DONE, THEN(PROTOCOL_LOOKING, ACT_LOOK),
        "The pause is over: the ledger first, the lock only if nothing is decided."},
    {PROTOCOL_WAITING, SEEN_TIMED_OUT, END(OUTCOME_WAITED_TOO_LONG),
        "After an hour of waiting a person must be told."},
    {PROTOCOL_WAITING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "A waiter leaves at once."},

    {PROTOCOL_CONFIRMING, SEEN_SUCCEEDED, END(OUTCOME_PREPARED),
        "The last holder finished between our look and our try."},
    {PROTOCOL_CONFIRMING, SEEN_FAILED, END(OUTCOME_FAILED),
        "The last holder failed between our look and our try: we waited for it too."},
    {PROTOCOL_CONFIRMING, SEEN_UNDECIDED, THEN(PROTOCOL_INSPECTING, ACT_INSPECT),
        "Ours to prepare, unless the databases say that the steps would do harm."},
    {PROTOCOL_CONFIRMING, SEEN_TOO_SOON, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "It failed again between our look and our try: connect again, which releases the lock."},
    {PROTOCOL_CONFIRMING, SEEN_STANDBY, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "The lock of a standby keeps no replica away: connect again, which releases it."},
    {PROTOCOL_CONFIRMING, SEEN_CROWDED, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "The ledger cannot be asked: a replica that gets two connections may have the lock."},
    {PROTOCOL_CONFIRMING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "No step has begun, so the lost lock does no harm: start over."},
    {PROTOCOL_CONFIRMING, SEEN_REFUSED, END(OUTCOME_REFUSED), "The server said no for good."},
    {PROTOCOL_CONFIRMING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "No step has begun."},

    {PROTOCOL_INSPECTING, SEEN_DONE, THEN(PROTOCOL_BEGINNING, ACT_BEGIN_RUN),
        "Nothing speaks against the steps; a run that is still marked as running has died."},
    {PROTOCOL_INSPECTING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "No step has begun, so the lost lock does no harm: start over."},
    {PROTOCOL_INSPECTING, SEEN_REFUSED, END(OUTCOME_REFUSED),
        "The steps would ruin tables, or could not finish: nothing has been touched."},
    {PROTOCOL_INSPECTING, SEEN_CANCELLED, END(OUTCOME_CANCELLED), "Nothing has been touched."},

    {PROTOCOL_BEGINNING, SEEN_DONE, THEN(PROTOCOL_FENCING, ACT_FENCE),
        "The run is in the ledger, so that even a runner that is killed leaves a trace."},
    {PROTOCOL_BEGINNING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "No step has begun: the row, if it was written, will be found and taken over."},
    {PROTOCOL_BEGINNING, SEEN_REFUSED, END(OUTCOME_REFUSED), "The server said no for good."},
    {PROTOCOL_BEGINNING, SEEN_CANCELLED, END(OUTCOME_CANCELLED),
        "No step has begun: the row, if it was written, will be found and taken over."},

    {PROTOCOL_FENCING, SEEN_DONE, THEN(PROTOCOL_RUNNING, ACT_RUN_STEPS),
        "Nothing of an earlier run is at work in the server any more."},
    {PROTOCOL_FENCING, SEEN_STEPS_STOPPED, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "We were asked to end before the first step: interrupted."},
    {PROTOCOL_FENCING, SEEN_TIMED_OUT, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "What may not be ended does not end by itself: the lock must not be held for ever."},
    {PROTOCOL_FENCING, SEEN_LOCK_LOST, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "Nothing keeps other replicas away any more, and no step has begun."},
    {PROTOCOL_FENCING, SEEN_GONE, THEN(PROTOCOL_CONNECTING, ACT_CONNECT),
        "No step has begun: the row will be found and taken over."},
    {PROTOCOL_FENCING, SEEN_REFUSED, END(OUTCOME_REFUSED), "The server said no for good."},

    {PROTOCOL_RUNNING, SEEN_STEPS_OK, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "Nothing of a step goes on any more: succeeded."},
    {PROTOCOL_RUNNING, SEEN_STEPS_FAILED, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "Every replica that waits must learn that it failed."},
    {PROTOCOL_RUNNING, SEEN_STEPS_DIED, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "A signal ended a step, which says nothing about the next replica's try."},
    {PROTOCOL_RUNNING, SEEN_STEPS_STOPPED, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "We were asked to end: interrupted, and another replica takes over."},
    {PROTOCOL_RUNNING, SEEN_LOCK_LOST, THEN(PROTOCOL_RECORDING, ACT_RECORD_OUTCOME),
        "The steps were killed because nothing kept other replicas away any more."},

    {PROTOCOL_RECORDING, SEEN_SUCCEEDED, END(OUTCOME_PREPARED), "Prepared by this replica."},
    {PROTOCOL_RECORDING, SEEN_STEPS_OK, END(OUTCOME_PREPARED_UNRECORDED),
        "The steps ended well and only the ledger does not know: the next replica runs again."},
    {PROTOCOL_RECORDING, SEEN_FAILED, END(OUTCOME_FAILED),
        "The server must not start on an unknown schema."},
    {PROTOCOL_RECORDING, SEEN_STEPS_DIED, END(OUTCOME_DIED),
        "Interrupted: another replica takes over, and this one has nothing to serve."},
    {PROTOCOL_RECORDING, SEEN_STEPS_STOPPED, END(OUTCOME_CANCELLED), "We were asked to end."},
    {PROTOCOL_RECORDING, SEEN_TIMED_OUT, END(OUTCOME_WAITED_TOO_LONG),
        "No step has begun: another replica may find that it is gone."},
    {PROTOCOL_RECORDING, SEEN_LOCK_LOST, END(OUTCOME_LOCK_LOST),
        "Another replica may be running by now."},
    {PROTOCOL_RECORDING, SEEN_ELSEWHERE, END(OUTCOME_LOCK_LOST),
        "Another replica took our run for dead and decided it, so the lock was not ours."},
};

const struct protocol_row *protocol_next(enum protocol_state state, enum observation observation) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].state == state && rows[i].observation == observation) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool was_decided(const struct look *first, const struct run *run) {
    return run->id < first->newest.id ||
        (run->id == first->newest.id && first->newest.state != RUN_RUNNING);
}

static enum observation observe_shared(
    bool only_latest_counts, const struct look *first, const struct look *now) {
    switch (now->newest.state) {
    case RUN_SUCCEEDED:
        return now->stale_reason[0] != '\0' ||
                (only_latest_counts && now->newest.id != now->latest.id)
            ? SEEN_UNDECIDED
            : SEEN_SUCCEEDED;
    case RUN_FAILED:
        return was_decided(first, &now->newest) ? SEEN_UNDECIDED : SEEN_FAILED;
    case RUN_NONE:
    case RUN_RUNNING:
    case RUN_INTERRUPTED:
        return SEEN_UNDECIDED;
    }
    return SEEN_UNDECIDED;
}

static bool is_too_soon(const struct look *now) {
    return now->newest.state == RUN_FAILED &&
        now->newest.age_ms < protocol_backoff_ms(now->failures);
}

enum observation protocol_observe(enum prepare_purpose purpose, bool only_latest_counts,
    const struct look *first, const struct look *now) {
    if (purpose_is_command(purpose)) {
        return now->is_read_only ? SEEN_STANDBY : SEEN_UNDECIDED;
    }
    enum observation shared = observe_shared(only_latest_counts, first, now);
    if (shared != SEEN_UNDECIDED) {
        return shared;
    }
    if (purpose == PREPARE_BY_OTHERS) {
        return SEEN_NOT_OURS;
    }
    if (now->is_read_only) {
        return SEEN_STANDBY;
    }
    return is_too_soon(now) ? SEEN_TOO_SOON : SEEN_UNDECIDED;
}

int64_t protocol_backoff_ms(int failures) {
    static const int64_t first_ms = 5000;
    static const int64_t longest_ms = 60000;
    int64_t backoff_ms = failures < 2 ? 0 : first_ms;
    for (int more = 2; more < failures && backoff_ms < longest_ms; more++) {
        backoff_ms *= 2;
    }
    return backoff_ms > longest_ms ? longest_ms : backoff_ms;
}

enum run_state protocol_run_state(enum observation seen, int deaths) {
    if (seen == SEEN_STEPS_OK) {
        return RUN_SUCCEEDED;
    }
    bool has_failed = seen == SEEN_STEPS_FAILED || (seen == SEEN_STEPS_DIED && deaths >= 2);
    return has_failed ? RUN_FAILED : RUN_INTERRUPTED;
}

int64_t protocol_pause_ms(int64_t waited_ms, uint32_t random) {
    static const int64_t shortest_ms = 100;
    static const int64_t longest_ms = 2000;
    int64_t pause_ms = waited_ms / 20;
    /* From half to the whole of it, so that replicas which began together drift apart. */
    pause_ms = pause_ms / 2 + (int64_t)(random % 1000) * pause_ms / 2000;
    if (pause_ms < shortest_ms) {
        pause_ms = shortest_ms + (int64_t)(random % 50);
    }
    return pause_ms > longest_ms ? longest_ms : pause_ms;
}

const char *protocol_state_name(enum protocol_state state) {
    static const char *const names[] = {
        [PROTOCOL_CONNECTING] = "connecting",
        [PROTOCOL_LOOKING] = "looking",
        [PROTOCOL_TRYING] = "trying",
        [PROTOCOL_WAITING] = "waiting",
        [PROTOCOL_CONFIRMING] = "confirming",
        [PROTOCOL_INSPECTING] = "inspecting",
        [PROTOCOL_BEGINNING] = "beginning",
        [PROTOCOL_FENCING] = "fencing",
        [PROTOCOL_RUNNING] = "running",
        [PROTOCOL_RECORDING] = "recording",
        [PROTOCOL_ENDED] = "ended",
    };
    _Static_assert(ARRAY_LENGTH(names) == PROTOCOL_STATE_COUNT, "every state has a name");
    return names[state];
}
