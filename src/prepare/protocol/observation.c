/*
 * The names, as the log, the model and the diagram have them.
 */
#include "prepare/protocol/observation.h"

#include "signalbox/base/cleanup.h"

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
