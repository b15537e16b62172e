/*
 * The fence's SQL and names. The trap: behind a pooler an idle connection keeps the name of whoever
 * used it last, and ending that would only hurt a stranger; there, a backend counts only while it
 * holds a virtual transaction, which is while it does something. A pooler is known by the process
 * number that it invents for the client.
 */
#include "prepare/fence.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "prepare/schema.h"
#include "signalbox/base/text.h"

static const int64_t migrator_salt = 2053462845;

/* CRC-32 as Zlib.crc32 has it (ISO 3309), bit by bit: a name is short. */
static uint32_t crc32_of(const char *text) {
    uint32_t crc = UINT32_MAX;
    for (; *text != '\0'; text++) {
        crc ^= (unsigned char)*text;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    return ~crc;
}

int64_t fence_rails_lock_key(const char *database_name) {
    return migrator_salt * (int64_t)crc32_of(database_name);
}

/* FNV-1a; a name for people and for LIKE, no secret. */
static uint32_t short_hash(const char *text) {
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    }
    return hash;
}

enum session_result fence_make(struct fence *fence, struct session *session,
    const char *search_path, int64_t lock_key, int64_t deadline_ms) {
    unsigned char bytes[FENCE_RUN_LENGTH / 2] = {0};
    AUTO_TEXT struct text scope = {.data = NULL};
    enum session_result result = schema_find(session, search_path, deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    const char *database = session_value(session, 0, 0);
    /* The path as it is written: a schema that only a run makes must not give the next one a name
     * by which it does not find the first. */
    text_append_format(&scope, "%s\n%s\n%lld", database,
        search_path == NULL ? session_value(session, 0, 2) : search_path, (long long)lock_key);
    (void)snprintf(fence->app, sizeof fence->app, "%08x", short_hash(text_string(&scope)));
    (void)snprintf(fence->rails_lock, sizeof fence->rails_lock, "%lld",
        (long long)fence_rails_lock_key(database));
    /* Without randomness two runs would take each other for one, which only fences less. */
    (void)!getrandom(bytes, sizeof bytes, 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(fence->run + 2 * i, 3, "%02x", bytes[i]);
    }
    fence->is_pooled = session_is_pooled(session, deadline_ms);
    return SESSION_DONE;
}

void fence_assignment(const struct fence *fence, char assignment[FENCE_ASSIGNMENT_LENGTH]) {
    (void)snprintf(assignment, FENCE_ASSIGNMENT_LENGTH, "PGAPPNAME=signalbox-step/%s/%s",
        fence->app, fence->run);
}

/* $1: the pattern of names; $2: a name to leave alone, or to insist on; $3: idle ones too; $4: in
 * these databases only. */
#define BACKENDS                                                                                   \
    "WITH named AS (SELECT pid, usename, application_name,"                                        \
    " EXISTS (SELECT FROM pg_locks AS held WHERE held.pid = activity.pid"                          \
    " AND held.locktype = 'virtualxid' AND held.granted) AS is_busy,"                              \
    " (SELECT me.rolsuper OR NOT them.rolsuper AND (pg_has_role(me.oid, them.oid, 'MEMBER')"       \
    " OR pg_has_role(me.oid, 'pg_signal_backend', 'MEMBER'))"                                      \
    " FROM pg_roles AS me, pg_roles AS them"                                                       \
    " WHERE me.rolname = current_user AND them.oid = usesysid) AS is_ours"                         \
    " FROM pg_stat_activity AS activity"                                                           \
    " WHERE application_name LIKE $1 AND pid <> pg_backend_pid()"                                  \
    " AND ($4::text IS NULL OR datname = ANY (string_to_array($4, chr(10)))) AND "
#define ENDED                                                                                      \
    "), relevant AS (SELECT * FROM named WHERE is_busy OR ($3::boolean AND is_ours))"              \
    " SELECT pid, usename, is_ours, CASE WHEN is_ours THEN pg_terminate_backend(pid) END"          \
    " FROM relevant"

static enum session_result sweep_named(const struct fence *fence, struct session *session,
    const char *statement, const char *pattern, const char *name, struct fence_sweep *sweep,
    int64_t deadline_ms) {
    /* A session to itself has no idle connections of strangers that bear the name. */
    const char *parameters[] = {pattern, name, fence->is_pooled ? "false" : "true", fence->only_in};
    enum session_result result =
        session_query(session, statement, parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    for (int row = 0; row < session_row_count(session); row++) {
        sweep->remaining++;
        if (strcmp(session_value(session, row, 2), "t") == 0) {
            sweep->ended++;
        } else {
            (void)snprintf(sweep->holder, sizeof sweep->holder,
                "a statement of an earlier run (backend %s of role %s), which this role may not "
                "end",
                session_value(session, row, 0), session_value(session, row, 1));
        }
    }
    return SESSION_DONE;
}

enum session_result fence_look_at_rails_lock(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) {
    const char *parameters[] = {fence->rails_lock};
    *sweep = (struct fence_sweep){.ended = 0};
    enum session_result result = session_query(session,
        "SELECT held.pid, coalesce(application_name, '') FROM pg_locks AS held"
        " LEFT JOIN pg_stat_activity AS activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = ($1::bigint >> 32) & 4294967295"
        " AND objid::bigint = $1::bigint & 4294967295",
        parameters, 1, deadline_ms);
    if (result != SESSION_DONE || session_row_count(session) == 0) {
        return result;
    }
    sweep->remaining = 1;
    (void)snprintf(sweep->holder, sizeof sweep->holder,
        "Rails' own migration lock, held by backend %s (%s)", session_value(session, 0, 0),
        session_value(session, 0, 1));
    return SESSION_DONE;
}

enum session_result fence_look_at_rails_locks(
    struct session *session, const char *names, struct fence_sweep *sweep, int64_t deadline_ms) {
    AUTO_TEXT struct text keys = {.data = NULL};
    *sweep = (struct fence_sweep){.ended = 0};
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        AUTO_FREE char *name = string_copy_part(at, length);
        text_append_format(
            &keys, "%s%lld", keys.length == 0 ? "" : "\n", (long long)fence_rails_lock_key(name));
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    const char *parameters[] = {names, text_string(&keys)};
    enum session_result result = session_query(session,
        "SELECT held.pid, coalesce(application_name, ''), name FROM"
        " unnest(string_to_array($1, chr(10)), string_to_array($2, chr(10))::bigint[])"
        " AS wanted (name, key) JOIN pg_database ON pg_database.datname = name"
        " JOIN pg_locks AS held ON held.database = pg_database.oid"
        " AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295"
        " LEFT JOIN pg_stat_activity AS activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND objsubid = 1",
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result != SESSION_DONE || session_row_count(session) == 0) {
        return result;
    }
    sweep->remaining = 1;
    (void)snprintf(sweep->holder, sizeof sweep->holder,
        "Rails' own migration lock in %s, held by backend %s (%s)", session_value(session, 0, 2),
        session_value(session, 0, 0), session_value(session, 0, 1));
    return SESSION_DONE;
}

enum session_result fence_sweep_others(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) {
    char pattern[FENCE_ASSIGNMENT_LENGTH];
    char own[FENCE_ASSIGNMENT_LENGTH];
    *sweep = (struct fence_sweep){.ended = 0};
    (void)snprintf(pattern, sizeof pattern, "signalbox-step/%s/%%", fence->app);
    (void)snprintf(own, sizeof own, "signalbox-step/%s/%s", fence->app, fence->run);
    return sweep_named(
        fence, session, BACKENDS "application_name <> $2" ENDED, pattern, own, sweep, deadline_ms);
}

enum session_result fence_sweep_own(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) {
    char own[FENCE_ASSIGNMENT_LENGTH];
    *sweep = (struct fence_sweep){.ended = 0};
    (void)snprintf(own, sizeof own, "signalbox-step/%s/%s", fence->app, fence->run);
    return sweep_named(
        fence, session, BACKENDS "application_name = $2" ENDED, own, own, sweep, deadline_ms);
}
