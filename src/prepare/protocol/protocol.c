/*
 * The table. Section 6 of the design can be checked against it row by row. A pair that is not here
 * cannot happen; whoever sees one has found a bug, and must fail rather than start a server.
 */
#include "prepare/protocol/protocol.h"

#include <stddef.h>

#include "signalbox/base/cleanup.h"

static const struct flight_row rows[] = {
    {FLIGHT_CONNECTING, SEEN_DONE, FLIGHT_LOOKING, ACT_LOOK,
        "Whether this content is prepared is asked first: a restart boots no Rails."},
    {FLIGHT_CONNECTING, SEEN_CROWDED, FLIGHT_WAITING, ACT_PAUSE,
        "The server is there and has no slot to spare: that is no reason to give up waiting."},
    {FLIGHT_CONNECTING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE,
        "The database was not reachable in time, or will not take us at all."},
    {FLIGHT_CONNECTING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "It went away again with its first answer: start over, until the connect timeout."},
    {FLIGHT_CONNECTING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "Nothing is held yet."},

    {FLIGHT_LOOKING, SEEN_SUCCEEDED, FLIGHT_ENDED, ACT_START,
        "The ledger says that this content is prepared."},
    {FLIGHT_LOOKING, SEEN_FAILED, FLIGHT_ENDED, ACT_FAIL,
        "The run that this replica waited for failed: every waiter shares its outcome."},
    {FLIGHT_LOOKING, SEEN_UNDECIDED, FLIGHT_TRYING, ACT_TRY_LOCK,
        "Nothing is decided: whoever gets the lock may run."},
    {FLIGHT_LOOKING, SEEN_NOT_OURS, FLIGHT_WAITING, ACT_PAUSE,
        "A replica that only waits never touches the lock."},
    {FLIGHT_LOOKING, SEEN_TOO_SOON, FLIGHT_WAITING, ACT_PAUSE,
        "It has failed twice or more in a row: a restart policy must not hammer the database."},
    {FLIGHT_LOOKING, SEEN_STANDBY, FLIGHT_CONNECTING, ACT_CONNECT,
        "After a failover the name still points at a standby for a while: connect again."},
    {FLIGHT_LOOKING, SEEN_CROWDED, FLIGHT_WAITING, ACT_PAUSE,
        "No slot for looking: waiting must not take those that the steps need."},
    {FLIGHT_LOOKING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "The server went away while nothing was held: start over."},
    {FLIGHT_LOOKING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE, "The server said no for good."},
    {FLIGHT_LOOKING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "Nothing is held."},

    {FLIGHT_TRYING, SEEN_DONE, FLIGHT_CONFIRMING, ACT_LOOK,
        "The lock is ours, but the last holder may have finished between our look and our try."},
    {FLIGHT_TRYING, SEEN_LOCK_HELD, FLIGHT_WAITING, ACT_PAUSE,
        "Another replica prepares: look again later, and never wait inside the server."},
    {FLIGHT_TRYING, SEEN_CROWDED, FLIGHT_WAITING, ACT_PAUSE,
        "No slot for the second connection: let others finish, and try again."},
    {FLIGHT_TRYING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "The server went away while nothing was held: start over."},
    {FLIGHT_TRYING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE, "The server said no for good."},
    {FLIGHT_TRYING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "Nothing is held."},

    {FLIGHT_WAITING, SEEN_DONE, FLIGHT_LOOKING, ACT_LOOK,
        "The pause is over: the ledger first, the lock only if nothing is decided."},
    {FLIGHT_WAITING, SEEN_TIMED_OUT, FLIGHT_ENDED, ACT_GIVE_UP_WAITING,
        "An hour of waiting is somebody's alarm, not ours to hide."},
    {FLIGHT_WAITING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "A waiter leaves at once."},

    {FLIGHT_CONFIRMING, SEEN_SUCCEEDED, FLIGHT_ENDED, ACT_START,
        "The last holder finished between our look and our try."},
    {FLIGHT_CONFIRMING, SEEN_FAILED, FLIGHT_ENDED, ACT_FAIL,
        "The last holder failed between our look and our try: we waited for it too."},
    {FLIGHT_CONFIRMING, SEEN_UNDECIDED, FLIGHT_INSPECTING, ACT_INSPECT,
        "Ours to prepare, unless the databases say that the steps would do harm."},
    {FLIGHT_CONFIRMING, SEEN_TOO_SOON, FLIGHT_WAITING, ACT_LET_GO,
        "It failed again between our look and our try: rest without the lock."},
    {FLIGHT_CONFIRMING, SEEN_STANDBY, FLIGHT_CONNECTING, ACT_CONNECT,
        "The lock of a standby keeps nobody away: connect again, which lets go of it."},
    {FLIGHT_CONFIRMING, SEEN_CROWDED, FLIGHT_WAITING, ACT_LET_GO,
        "The ledger cannot be asked: whoever gets two connections may have the lock."},
    {FLIGHT_CONFIRMING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "No step has begun, so the lost lock harms nobody: start over."},
    {FLIGHT_CONFIRMING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE, "The server said no for good."},
    {FLIGHT_CONFIRMING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "No step has begun."},

    {FLIGHT_INSPECTING, SEEN_DONE, FLIGHT_BEGINNING, ACT_BEGIN_RUN,
        "Nothing speaks against the steps; a run that is still marked as running has died."},
    {FLIGHT_INSPECTING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "No step has begun, so the lost lock harms nobody: start over."},
    {FLIGHT_INSPECTING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE,
        "The steps would ruin tables, or could not finish: nothing has been touched."},
    {FLIGHT_INSPECTING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL, "Nothing has been touched."},

    {FLIGHT_BEGINNING, SEEN_DONE, FLIGHT_FENCING, ACT_FENCE,
        "The run is in the ledger, so that even a runner that is killed leaves a trace."},
    {FLIGHT_BEGINNING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "No step has begun: the row, if it was written, will be found and taken over."},
    {FLIGHT_BEGINNING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE, "The server said no for good."},
    {FLIGHT_BEGINNING, SEEN_CANCELLED, FLIGHT_ENDED, ACT_CANCEL,
        "No step has begun: the row, if it was written, will be found and taken over."},

    {FLIGHT_FENCING, SEEN_DONE, FLIGHT_RUNNING, ACT_RUN_STEPS,
        "Nothing of an earlier run is at work in the server any more."},
    {FLIGHT_FENCING, SEEN_STEPS_STOPPED, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "We were asked to end before the first step: interrupted."},
    {FLIGHT_FENCING, SEEN_TIMED_OUT, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "What may not be ended does not go: nobody holds the lock for ever over it."},
    {FLIGHT_FENCING, SEEN_LOCK_LOST, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "Nothing keeps other replicas away any more, and no step has begun."},
    {FLIGHT_FENCING, SEEN_GONE, FLIGHT_CONNECTING, ACT_CONNECT,
        "No step has begun: the row will be found and taken over."},
    {FLIGHT_FENCING, SEEN_REFUSED, FLIGHT_ENDED, ACT_REFUSE, "The server said no for good."},

    {FLIGHT_RUNNING, SEEN_STEPS_OK, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "Nothing of a step goes on any more: succeeded."},
    {FLIGHT_RUNNING, SEEN_STEPS_FAILED, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "Every replica that waits must learn that it failed."},
    {FLIGHT_RUNNING, SEEN_STEPS_DIED, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "A signal ended a step, which says nothing about the next replica's try."},
    {FLIGHT_RUNNING, SEEN_STEPS_STOPPED, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "We were asked to end: interrupted, and another replica takes over."},
    {FLIGHT_RUNNING, SEEN_LOCK_LOST, FLIGHT_RECORDING, ACT_RECORD_OUTCOME,
        "The steps were killed because nothing kept other replicas away any more."},

    {FLIGHT_RECORDING, SEEN_SUCCEEDED, FLIGHT_ENDED, ACT_START, "Prepared by this replica."},
    {FLIGHT_RECORDING, SEEN_STEPS_OK, FLIGHT_ENDED, ACT_START_UNRECORDED,
        "The steps ended well and only the ledger does not know: the next replica runs again."},
    {FLIGHT_RECORDING, SEEN_FAILED, FLIGHT_ENDED, ACT_FAIL,
        "The server must not start on a schema that nobody knows."},
    {FLIGHT_RECORDING, SEEN_STEPS_DIED, FLIGHT_ENDED, ACT_FAIL_ALONE,
        "Interrupted: another replica takes over, and this one has nothing to serve."},
    {FLIGHT_RECORDING, SEEN_STEPS_STOPPED, FLIGHT_ENDED, ACT_CANCEL, "We were asked to end."},
    {FLIGHT_RECORDING, SEEN_TIMED_OUT, FLIGHT_ENDED, ACT_GIVE_UP_WAITING,
        "No step has begun: another replica may find that it is gone."},
    {FLIGHT_RECORDING, SEEN_LOCK_LOST, FLIGHT_ENDED, ACT_GIVE_UP_LOCK,
        "Another replica may be running by now."},
    {FLIGHT_RECORDING, SEEN_ELSEWHERE, FLIGHT_ENDED, ACT_GIVE_UP_LOCK,
        "Somebody took our run for dead and decided it, so the lock cannot have been ours."},
};

const struct flight_row *flight_next(enum flight_state state, enum observation observation) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].state == state && rows[i].observation == observation) {
            return &rows[i];
        }
    }
    return NULL;
}

bool flight_action_ends(enum flight_action action) {
    switch (action) {
    case ACT_CONNECT:
    case ACT_LOOK:
    case ACT_TRY_LOCK:
    case ACT_PAUSE:
    case ACT_LET_GO:
    case ACT_INSPECT:
    case ACT_BEGIN_RUN:
    case ACT_FENCE:
    case ACT_RUN_STEPS:
    case ACT_RECORD_OUTCOME:
        return false;
    case ACT_START:
    case ACT_START_UNRECORDED:
    case ACT_FAIL:
    case ACT_FAIL_ALONE:
    case ACT_GIVE_UP_WAITING:
    case ACT_GIVE_UP_LOCK:
    case ACT_REFUSE:
    case ACT_CANCEL:
        return true;
    }
    return true;
}

static bool was_decided(const struct look *first, const struct run *run) {
    return run->id < first->newest.id ||
        (run->id == first->newest.id && first->newest.state != RUN_RUNNING);
}

static enum observation observe_shared(
    bool only_latest_counts, const struct look *first, const struct look *now) {
    switch (now->newest.state) {
    case RUN_SUCCEEDED:
        return now->doubt[0] != '\0' || (only_latest_counts && now->newest.id != now->latest.id)
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
    return now->newest.state == RUN_FAILED && now->newest.age_ms < flight_backoff_ms(now->failures);
}

enum observation flight_observe(enum flight_purpose purpose, bool only_latest_counts,
    const struct look *first, const struct look *now) {
    enum observation shared = observe_shared(only_latest_counts, first, now);
    switch (purpose) {
    case FLIGHT_ALWAYS:
        return now->is_read_only ? SEEN_STANDBY : SEEN_UNDECIDED;
    case FLIGHT_TO_WAIT:
        return shared == SEEN_UNDECIDED ? SEEN_NOT_OURS : shared;
    case FLIGHT_IF_DUE:
        break;
    }
    if (shared == SEEN_UNDECIDED && now->is_read_only) {
        return SEEN_STANDBY;
    }
    return shared == SEEN_UNDECIDED && is_too_soon(now) ? SEEN_TOO_SOON : shared;
}

int64_t flight_backoff_ms(int failures) {
    static const int64_t first_ms = 5000;
    static const int64_t longest_ms = 60000;
    int64_t backoff_ms = failures < 2 ? 0 : first_ms;
    for (int more = 2; more < failures && backoff_ms < longest_ms; more++) {
        backoff_ms *= 2;
    }
    return backoff_ms > longest_ms ? longest_ms : backoff_ms;
}

enum run_state flight_state_of_death(int deaths) {
    return deaths < 2 ? RUN_INTERRUPTED : RUN_FAILED;
}

int64_t flight_pause_ms(int64_t waited_ms, uint32_t random) {
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

const char *flight_state_name(enum flight_state state) {
    static const char *const names[] = {
        [FLIGHT_CONNECTING] = "connecting",
        [FLIGHT_LOOKING] = "looking",
        [FLIGHT_TRYING] = "trying",
        [FLIGHT_WAITING] = "waiting",
        [FLIGHT_CONFIRMING] = "confirming",
        [FLIGHT_INSPECTING] = "inspecting",
        [FLIGHT_BEGINNING] = "beginning",
        [FLIGHT_FENCING] = "fencing",
        [FLIGHT_RUNNING] = "running",
        [FLIGHT_RECORDING] = "recording",
        [FLIGHT_ENDED] = "ended",
    };
    _Static_assert(ARRAY_LENGTH(names) == FLIGHT_STATE_COUNT, "every state has a name");
    return names[state];
}

const char *observation_name(enum observation observation) {
    static const char *const names[] = {
        [SEEN_DONE] = "done",
        [SEEN_SUCCEEDED] = "succeeded",
        [SEEN_FAILED] = "failed",
        [SEEN_UNDECIDED] = "undecided",
        [SEEN_NOT_OURS] = "not ours to prepare",
        [SEEN_TOO_SOON] = "too soon after a failure",
        [SEEN_STANDBY] = "on a standby",
        [SEEN_LOCK_HELD] = "lock held",
        [SEEN_CROWDED] = "no connection free",
        [SEEN_TIMED_OUT] = "timed out",
        [SEEN_STEPS_OK] = "steps ended well",
        [SEEN_STEPS_FAILED] = "a step failed",
        [SEEN_STEPS_DIED] = "a step died",
        [SEEN_STEPS_STOPPED] = "steps stopped",
        [SEEN_LOCK_LOST] = "lock lost",
        [SEEN_ELSEWHERE] = "decided elsewhere",
        [SEEN_GONE] = "connection gone",
        [SEEN_REFUSED] = "refused",
        [SEEN_CANCELLED] = "cancelled",
    };
    _Static_assert(ARRAY_LENGTH(names) == OBSERVATION_COUNT, "every observation has a name");
    return names[observation];
}
