/*
 * The fence's SQL and names.
 * The trap: behind a pooler an idle connection keeps the name of the client that used it last, and
 * ending it would only hurt a stranger. There, a backend counts only while it holds a virtual
 * transaction, which is while it does something. A pooler is known by the process number that it
 * invents for the client.
 */
#include "prepare/postgres/fence.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "prepare/postgres/schema.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/string.h"
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
    hex_write(bytes, sizeof bytes, fence->run);
    fence->is_pooled = session_is_pooled(session, deadline_ms);
    return SESSION_DONE;
}

void fence_assignment(const struct fence *fence, char assignment[FENCE_ASSIGNMENT_LENGTH]) {
    (void)snprintf(assignment, FENCE_ASSIGNMENT_LENGTH, "PGAPPNAME=signalbox-step/%s/%s",
        fence->app, fence->run);
}

/* Whether a role could be the application's: its own, one that its configuration names, one that
 * may act for either, the owner of the database or of the table of migrations, or a superuser, who
 * needs no name to stop a deploy. `them` is its row of pg_roles, `me` ours, `roles` the names. */
#define COULD_BE_OURS(roles)                                                                       \
    "(them.rolsuper OR them.rolname = ANY (string_to_array(" roles ", chr(10)))"                   \
    " OR pg_has_role(them.oid, me.oid, 'MEMBER') OR pg_has_role(me.oid, them.oid, 'MEMBER')"       \
    " OR EXISTS (SELECT FROM pg_database WHERE datname = current_database()"                       \
    " AND pg_has_role(them.oid, datdba, 'MEMBER'))"                                                \
    " OR EXISTS (SELECT FROM pg_class WHERE relname = 'schema_migrations'"                         \
    " AND pg_has_role(them.oid, relowner, 'MEMBER')))"

/* Empty where the server does not show another role's times. */
#define SINCE                                                                                      \
    "coalesce(to_char(coalesce(xact_start, backend_start) AT TIME ZONE 'UTC',"                     \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

/* $1: the pattern of names; $2: a name to leave alone, or to insist on; $3: idle ones too; $4: in
 * these databases only; $5: the application's roles. */
#define BACKENDS                                                                                   \
    "WITH named AS (SELECT pid, usename, " SINCE " AS since,"                                      \
    " EXISTS (SELECT FROM pg_locks AS held WHERE held.pid = activity.pid"                          \
    " AND held.locktype = 'virtualxid' AND held.granted) AS is_busy,"                              \
    " (me.rolsuper OR NOT them.rolsuper AND (pg_has_role(me.oid, them.oid, 'MEMBER')"              \
    " OR pg_has_role(me.oid, 'pg_signal_backend', 'MEMBER'))) AS is_ours,"                         \
    " " COULD_BE_OURS(                                                                             \
        "$5") " AS could_be_ours"                                                                  \
              " FROM pg_stat_activity AS activity JOIN pg_roles AS them ON them.oid = usesysid"    \
              " JOIN pg_roles AS me ON me.rolname = current_user"                                  \
              " WHERE application_name LIKE $1 AND pid <> pg_backend_pid()"                        \
              " AND ($4::text IS NULL OR datname = ANY (string_to_array($4, chr(10)))) AND "
#define ENDED                                                                                      \
    "), relevant AS (SELECT * FROM named"                                                          \
    " WHERE is_busy AND (is_ours OR could_be_ours) OR ($3::boolean AND is_ours))"                  \
    " SELECT pid, usename, is_ours, since, CASE WHEN is_ours THEN pg_terminate_backend(pid) END"   \
    " FROM relevant"

static void append_since(const char *since, char holder[FENCE_HOLDER_LENGTH]) {
    size_t used = strlen(holder);
    if (since[0] != '\0') {
        (void)snprintf(holder + used, FENCE_HOLDER_LENGTH - used, ", since %s", since);
    }
}

static enum session_result sweep_named(const struct fence *fence, struct session *session,
    const char *statement, const char *pattern, const char *name, struct fence_sweep *sweep,
    int64_t deadline_ms) {
    /* A session to itself has no idle connections of strangers that bear the name. */
    const char *parameters[] = {
        pattern, name, fence->is_pooled ? "false" : "true", fence->only_in, fence->roles};
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
                "a statement of an earlier run, which this role may not end (backend %s of role "
                "%s)",
                session_value(session, row, 0), session_value(session, row, 1));
            append_since(session_value(session, row, 3), sweep->holder);
        }
    }
    return SESSION_DONE;
}

/* Who holds Rails' own lock, in the sessions that `held` is of; $1: the application's roles. */
#define HOLDER                                                                                     \
    " LEFT JOIN pg_stat_activity AS activity USING (pid)"                                          \
    " LEFT JOIN pg_roles AS them ON them.oid = usesysid"                                           \
    " JOIN pg_roles AS me ON me.rolname = current_user"                                            \
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1"                                    \
    " AND (them.oid IS NULL OR " COULD_BE_OURS("$1") ")"
#define HOLDER_COLUMNS                                                                             \
    "SELECT held.pid, coalesce(usename, ''), coalesce(application_name, ''), " SINCE

enum session_result fence_look_at_rails_lock(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) {
    const char *parameters[] = {fence->roles, fence->rails_lock};
    *sweep = (struct fence_sweep){.ended = 0};
    enum session_result result = session_query(session,
        HOLDER_COLUMNS
        " FROM pg_locks AS held" HOLDER
        " AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = ($2::bigint >> 32) & 4294967295"
        " AND objid::bigint = $2::bigint & 4294967295",
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result != SESSION_DONE || session_row_count(session) == 0) {
        return result;
    }
    sweep->remaining = 1;
    (void)snprintf(sweep->holder, sizeof sweep->holder,
        "Rails' own migration lock, held by backend %s of role %s (%s)",
        session_value(session, 0, 0), session_value(session, 0, 1), session_value(session, 0, 2));
    append_since(session_value(session, 0, 3), sweep->holder);
    return SESSION_DONE;
}

enum session_result fence_look_at_rails_locks(const struct fence *fence, struct session *session,
    const char *names, struct fence_sweep *sweep, int64_t deadline_ms) {
    AUTO_TEXT struct text keys = {.data = NULL};
    *sweep = (struct fence_sweep){.ended = 0};
    for (const char *at = names; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        AUTO_FREE char *name = string_copy_part(at, length);
        text_append_format(
            &keys, "%s%lld", keys.length == 0 ? "" : "\n", (long long)fence_rails_lock_key(name));
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    const char *parameters[] = {fence->roles, names, text_string(&keys)};
    enum session_result result = session_query(session,
        HOLDER_COLUMNS
        ", name FROM unnest(string_to_array($2, chr(10)), string_to_array($3, chr(10))::bigint[])"
        " AS wanted (name, key) JOIN pg_database ON pg_database.datname = name"
        " JOIN pg_locks AS held ON held.database = pg_database.oid"
        " AND classid::bigint = (key >> 32) & 4294967295"
        " AND objid::bigint = key & 4294967295" HOLDER,
        parameters, ARRAY_LENGTH(parameters), deadline_ms);
    if (result != SESSION_DONE || session_row_count(session) == 0) {
        return result;
    }
    sweep->remaining = 1;
    (void)snprintf(sweep->holder, sizeof sweep->holder,
        "Rails' own migration lock in %s, held by backend %s of role %s (%s)",
        session_value(session, 0, 4), session_value(session, 0, 0), session_value(session, 0, 1),
        session_value(session, 0, 2));
    append_since(session_value(session, 0, 3), sweep->holder);
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

enum session_result fence_see_own(
    const struct fence *fence, struct session *session, bool *is_seen, int64_t deadline_ms) {
    char own[FENCE_ASSIGNMENT_LENGTH];
    const char *parameters[] = {own};
    (void)snprintf(own, sizeof own, "signalbox-step/%s/%s", fence->app, fence->run);
    enum session_result result =
        session_query(session, "SELECT FROM pg_stat_activity WHERE application_name = $1 LIMIT 1",
            parameters, 1, deadline_ms);
    *is_seen = result == SESSION_DONE && session_row_count(session) > 0;
    return result;
}

enum session_result fence_sweep_own(const struct fence *fence, struct session *session,
    struct fence_sweep *sweep, int64_t deadline_ms) {
    char own[FENCE_ASSIGNMENT_LENGTH];
    *sweep = (struct fence_sweep){.ended = 0};
    (void)snprintf(own, sizeof own, "signalbox-step/%s/%s", fence->app, fence->run);
    return sweep_named(
        fence, session, BACKENDS "application_name = $2" ENDED, own, own, sweep, deadline_ms);
}
