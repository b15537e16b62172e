/*
 * Whether a step that failed runs again (--step-retries): pure decisions. Only what passes by
 * itself is tried again: a lock that was not to be had in time, a deadlock, a serialization
 * failure.
 */
#ifndef PREPARE_PROTOCOL_RETRY_H
#define PREPARE_PROTOCOL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum retry_cause {
    RETRY_CAUSE_LASTS, /* Anything else: the next try would fail as well. */
    RETRY_CAUSE_LOCK,
    RETRY_CAUSE_DEADLOCK,
    RETRY_CAUSE_SERIALIZATION
};

/* Why a step failed, by the last lines of its output: SQLSTATEs, and the names that drivers and
 * ActiveRecord have for them. What is named in the last line that
 * names one decides, since a failure that a program has caught stands before the one that ended it.
 */
enum retry_cause retry_find_cause(const char *lines);

/* "a lock that it could not have in time"; for people. */
const char *retry_cause_name(enum retry_cause cause);

struct retry_facts {
    enum retry_cause cause;
    int tries;          /* So far. */
    int retries;        /* --step-retries. */
    int64_t elapsed_ms; /* Since the first try began. */
    int64_t timeout_ms; /* --step-timeout, over all tries; negative: no limit. */
    uint32_t random;
};

/* Whether it runs again, and after which pause: from half to the whole of 1 s, twice as long each
 * time, 30 s at most. Never where the time would be over with the pause. */
bool retry_decide(const struct retry_facts *facts, int64_t *pause_ms);

#endif
