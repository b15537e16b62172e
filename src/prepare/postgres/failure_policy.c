/*
 * Telling a refusal from trouble. What a server says while it restarts must never end a boot, and
 * what it will always say must not be waited for.
 */
#include "prepare/postgres/failure_policy.h"

#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"

bool failure_policy_is_gone(const struct session_failure *failure) {
    const char *code = failure->sqlstate;
    if (failure->trouble == TROUBLE_FINAL) {
        return false; /* Whatever code a pooler gives it. */
    }
    switch (failure->origin) {
    case FAILURE_OF_LINK:
        return true;
    case FAILURE_OF_OURS:
        return false;
    case FAILURE_OF_SERVER:
        break;
    }
    return failure->trouble == TROUBLE_MISSING_DATABASE || string_has_prefix(code, "08") ||
        string_has_prefix(code, "53") || string_has_prefix(code, "57") ||
        string_has_prefix(code, "25P0");
}

bool failure_policy_is_conflict(const struct session_failure *failure) {
    return string_has_prefix(failure->sqlstate, "40");
}

enum observation failure_policy_decide(
    enum session_result result, const struct session_failure *failure, struct error *error) {
    switch (result) {
    case SESSION_DONE:
        return SEEN_DONE;
    case SESSION_CANCELLED:
        return SEEN_CANCELLED;
    case SESSION_FAILED:
        if (!failure_policy_is_gone(failure)) {
            error_set(error, EXIT_STATUS_CONFIGURATION, "the database refuses what is needed: %s",
                failure->message);
            return SEEN_REFUSED;
        }
        break;
    case SESSION_PENDING:
    case SESSION_TIMED_OUT:
        break;
    }
    error_set(error, EXIT_STATUS_UNAVAILABLE, "%s", failure->message);
    return SEEN_GONE;
}
