/*
 * The counting and the decision. Waiters that hang up count themselves in the run's row, so each
 * knows how many there are and rests for as long as one look of everybody takes: then one of them
 * looks at a time, on average, whatever their number, and none rests longer than that needs.
 *
 * Where nobody knows how many there are (before the row, without a ledger, for a role that may not
 * write there), what a waiter can see is how many look in the same moment: it rests twice as long
 * whenever it meets more than a few, half as long when it does not, and is never connected for more
 * than a hundredth of its time.
 */
#include "prepare/postgres/slots.h"

#include <stdio.h>

#include "signalbox/base/number.h"
#include "signalbox/base/random.h"

enum {
    LONGEST_REST_MS = 120000,
    SHORTEST_UNKNOWING_MS = 1000, /* Where it is not known how many wait. */
    SHORTEST_LOOK_MS = 5,         /* Less is not worth a pause. */
    LONGEST_LOOK_MS = 100,        /* What takes longer waits for others. */
    SLOTS_PER_LOOK = 32,          /* Of few slots, looking takes no larger part. */
    MOST_COUNTED = LONGEST_REST_MS / SHORTEST_LOOK_MS, /* More make no rest longer. */
    FEWEST_COUNTED = 10,       /* Nobody is connected for more than a tenth of its time … */
    RESTS_PER_LOOK = 100,      /* … and where it is not known how many wait, a hundredth; … */
    FIRST_RESTS_PER_LOOK = 20, /* … but the next look may know. */
    WAITERS_FEW = 2,
    FREE_PER_WAITER = 3, /* For each waiter that is seen, some more may be coming in. */
    SLOTS_PLENTY = 24,   /* For a step's pool, and for those who look meanwhile. */
    ROOM_MOST = 4,       /* Proven before the first step, in a crowd. */
    SLOTS_LEAST = 3      /* The lock, the ledger and a step. */
};

/* Only what every role may see of others' sessions: whose they are and where. The limits of a role
 * and of a database do not bind a superuser. */
static const char statement[] =
    "WITH me AS (SELECT rolsuper, rolconnlimit FROM pg_roles WHERE rolname = current_user)"
    " SELECT current_setting('max_connections')::bigint"
    " - current_setting('superuser_reserved_connections')::bigint"
    " - coalesce(current_setting('reserved_connections', true)::bigint, 0),"
    " count(usesysid),"
    " (SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM me),"
    " count(*) FILTER (WHERE usename = current_user),"
    " (SELECT CASE WHEN rolsuper THEN -1 ELSE datconnlimit END FROM me, pg_database"
    " WHERE datname = current_database()),"
    " count(*) FILTER (WHERE datname = current_database()),"
    " count(*) FILTER (WHERE application_name LIKE 'signalbox/%' AND pid <> pg_backend_pid()"
    " AND state IS DISTINCT FROM 'idle in transaction')"
    " FROM pg_stat_activity";

static int64_t number_at(const struct session *session, int column) {
    int64_t number = -1;
    return number_parse(session_value(session, 0, column), -1, INT32_MAX, &number) ? number : -1;
}

enum session_result slots_read(struct session *session, struct slots *slots, int64_t deadline_ms) {
    enum session_result result = session_query(session, statement, NULL, 0, deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        slots->limits[limit].most = number_at(session, 2 * limit);
        slots->limits[limit].taken = number_at(session, 2 * limit + 1);
    }
    slots->waiters = number_at(session, 2 * SLOT_LIMIT_COUNT);
    return SESSION_DONE;
}

bool slots_are_plenty(const struct slots *slots) {
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        int64_t most = slots->limits[limit].most;
        int64_t left = most - slots->limits[limit].taken;
        if (most >= 0 && (2 * left < most || left < SLOTS_PLENTY)) {
            return false;
        }
    }
    return true;
}

bool slots_are_calm(const struct slots *slots, int *room) {
    bool are_few = true; /* The waiters, beside what is free. */
    *room = ROOM_MOST;
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        int64_t most = slots->limits[limit].most;
        int64_t left = most - slots->limits[limit].taken;
        if (most >= 0 && most / 4 < *room) {
            *room = most < ROOM_MOST ? 1 : (int)(most / 4);
        }
        are_few = are_few && (most < 0 || left >= FREE_PER_WAITER * slots->waiters);
    }
    return slots->waiters == 0 || (are_few && slots_are_plenty(slots));
}

bool slots_are_too_few(const struct slots *slots, enum slot_limit *which) {
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        if (slots->limits[limit].most >= 0 && slots->limits[limit].most < SLOTS_LEAST) {
            *which = (enum slot_limit)limit;
            return true;
        }
    }
    return false;
}

static int64_t within(int64_t value, int64_t least, int64_t most) {
    if (value < least) {
        return least;
    }
    return value > most ? most : value;
}

static int64_t longer(int64_t one_ms, int64_t other_ms) {
    return one_ms > other_ms ? one_ms : other_ms;
}

static int64_t rest_among_counted_ms(const struct waiter *waiter, int64_t look_ms) {
    int64_t everybody_ms = within(waiter->counted, FEWEST_COUNTED, MOST_COUNTED) * look_ms;
    if (waiter->slots == NULL) {
        return 2 * everybody_ms;
    }
    int64_t longest_ms = everybody_ms;
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        int64_t most = waiter->slots->limits[limit].most;
        longest_ms = longer(longest_ms, most > 0 ? SLOTS_PER_LOOK * everybody_ms / most : 0);
    }
    return longest_ms;
}

static int64_t rest_among_unknown_ms(const struct waiter *waiter, int64_t look_ms) {
    bool is_first = waiter->last_base_ms == 0;
    bool is_crowded = waiter->slots == NULL || waiter->slots->waiters > WAITERS_FEW;
    int64_t paced_ms = is_crowded ? 2 * waiter->last_base_ms : waiter->last_base_ms / 2;
    int64_t share_ms = (is_first ? FIRST_RESTS_PER_LOOK : RESTS_PER_LOOK) * look_ms;
    return longer(SHORTEST_UNKNOWING_MS, longer(paced_ms, share_ms));
}

struct rest slots_rest(const struct waiter *waiter, uint32_t random) {
    const struct slots *slots = waiter->slots;
    if (slots != NULL && !waiter->is_pooled && slots_are_plenty(slots)) {
        return (struct rest){.pause_ms = waiter->pause_ms};
    }
    int64_t look_ms = waiter->look_ms == 0
        ? LONGEST_LOOK_MS
        : within(waiter->look_ms, SHORTEST_LOOK_MS, LONGEST_LOOK_MS);
    int64_t needed_ms = waiter->counted > 0 ? rest_among_counted_ms(waiter, look_ms)
                                            : rest_among_unknown_ms(waiter, look_ms);
    int64_t base_ms = needed_ms < LONGEST_REST_MS ? needed_ms : LONGEST_REST_MS;
    /* Those who were refused together must not come back together. */
    int64_t rest_ms = random_jittered_ms(base_ms, random);
    return (struct rest){
        .hangs_up = true, .base_ms = base_ms, .pause_ms = longer(rest_ms, waiter->pause_ms)};
}

void slots_describe(const struct slots *slots, char text[SLOTS_TEXT_LENGTH]) {
    static const char *const owners[] = {
        [SLOTS_OF_SERVER] = "server", [SLOTS_OF_ROLE] = "role", [SLOTS_OF_DATABASE] = "database"};
    _Static_assert(ARRAY_LENGTH(owners) == SLOT_LIMIT_COUNT, "every limit has an owner");
    int tightest = SLOTS_OF_SERVER;
    for (int limit = 0; limit < SLOT_LIMIT_COUNT; limit++) {
        if (slots->limits[limit].most >= 0 &&
            slots->limits[limit].most - slots->limits[limit].taken <
                slots->limits[tightest].most - slots->limits[tightest].taken) {
            tightest = limit;
        }
    }
    (void)snprintf(text, SLOTS_TEXT_LENGTH,
        "free connections (%lld of the %s's %lld are taken, %lld of them by waiting replicas)",
        (long long)slots->limits[tightest].taken, owners[tightest],
        (long long)slots->limits[tightest].most, (long long)slots->waiters);
}
