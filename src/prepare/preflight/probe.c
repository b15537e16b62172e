/*
 * The poll loop and the questions. Tables are looked for where the application would find them: in
 * the schemas of its search path, which is set for one statement only, because through a
 * transaction pooler a setting would reach another client's session. schema_migrations may have a
 * prefix, two applications may each have one, and other tools have a table of that name.
 */
#include "prepare/preflight/probe.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/deadline.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"

/* First the number of tables, then each table that records versions, quoted; of several with one
 * name, the one that the path finds. $1: the name that the application has for its own; $2: the
 * path. */
#define CATALOGUE                                                                                  \
    ", path AS (SELECT current_schemas(false) AS schemas FROM app),"                               \
    " found AS (SELECT tables.oid, relname, format('%I.%I', nspname, relname) AS name,"            \
    " array_position(schemas, nspname) AS place"                                                   \
    " FROM path JOIN pg_namespace AS spaces ON nspname = ANY (schemas)"                            \
    " JOIN pg_class AS tables ON relnamespace = spaces.oid"                                        \
    " WHERE relkind IN ('r', 'p', 'f') AND relname <> 'signalbox_runs'"                            \
    " AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass"                  \
    " AND objid = tables.oid AND deptype = 'e')),"                                                 \
    " records AS (SELECT DISTINCT ON (relname) name, has_table_privilege(oid, 'SELECT')"           \
    " AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = oid AND attname = 'version'"           \
    " AND NOT attisdropped) AS is_readable FROM found"                                             \
    " WHERE relname LIKE '%schema\\_migrations' OR relname = $1 ORDER BY relname, place)"          \
    " SELECT 0 AS row, (SELECT count(*) FROM found)::text AS what, false AS is_readable"           \
    " UNION ALL SELECT 1, name, is_readable FROM records ORDER BY row, what"

static const char catalogue[] = "WITH app AS (SELECT 1)" CATALOGUE;
/* What is behind WITH is carried out before the path that is read from it. */
static const char catalogue_of_path[] =
    "WITH app AS (SELECT set_config('search_path', $2, true))" CATALOGUE;

/* Wherever they are in the database; of many, which may be one for each tenant, the newest. */
static const char beside[] =
    "SELECT format('%I.%I', nspname, relname)"
    " FROM pg_class AS tables JOIN pg_namespace AS spaces ON relnamespace = spaces.oid"
    " WHERE relkind IN ('r', 'p') AND (relname LIKE '%schema\\_migrations' OR relname = $1)"
    " AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
    " AND has_schema_privilege(spaces.oid, 'USAGE') AND has_table_privilege(tables.oid, 'SELECT')"
    " AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = tables.oid AND attname = 'version'"
    " AND NOT attisdropped) ORDER BY tables.oid DESC LIMIT 20";

static const char role_question[] =
    "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";

bool probe_database_may_pass(const struct probed *item) {
    return item->condition == CONDITION_UNKNOWN && trouble_may_pass(item->trouble);
}

void probe_begin(struct probe *probe, const char *table, enum probe_time time) {
    *probe = (struct probe){.table = table, .time = time};
}

void probe_add(struct probe *probe, const struct database *database, const char *directory,
    struct session *lent) {
    probe->items = memory_grow(probe->items, probe->count, sizeof *probe->items);
    struct probed *item = &probe->items[probe->count++];
    *item = (struct probed){.database = database, .lent = lent};
    migrations_read(directory, &database->migrations_paths, &item->migrations);
}

/* Asked for anew each time: the items move while they are added. */
static struct session *session_of(struct probed *item) {
    return item->lent == NULL ? &item->own : item->lent;
}

static void close_own(struct probed *item) {
    session_close(&item->own);
}

static void end(struct probed *item, enum condition condition) {
    item->condition = condition;
    item->result = SESSION_DONE;
    item->stage = PROBE_ENDED;
    close_own(item);
}

static void end_unknown(struct probed *item, enum session_result result,
    enum session_trouble trouble, const char *reason) {
    item->condition = CONDITION_UNKNOWN;
    item->result = result;
    item->trouble = trouble;
    item->stage = PROBE_ENDED;
    (void)snprintf(item->reason, sizeof item->reason, "%s", reason);
    close_own(item);
}

static enum session_result connect_start(
    struct probed *item, const char *name, const struct interrupt *interrupt) {
    struct login login;
    login_make(item->database, name, interrupt, &login);
    enum session_result result = session_open_start(&item->own, &login.request);
    login_release(&login);
    return result;
}

static enum session_result ask_catalogue(const struct probe *probe, struct probed *item) {
    const char *path = item->database->schema_search_path;
    const char *parameters[] = {probe->table, path};
    item->stage = PROBE_READING_CATALOGUE;
    return path == NULL ? session_query_start(session_of(item), catalogue, parameters, 1)
                        : session_query_start(session_of(item), catalogue_of_path, parameters, 2);
}

/* For each table that records versions: how many of the image's it lacks, and the lowest. */
static void append_versions_question(struct text *statement, const char *table) {
    text_append_format(statement,
        "%sSELECT count(*) AS missing, (array_agg(version ORDER BY length(version), version))[1]"
        " FROM (SELECT unnest(string_to_array($1, ',')) AS version"
        " EXCEPT SELECT coalesce(nullif(ltrim(version::text, '0'), ''), '0') FROM %s) AS lacking",
        statement->length == 0 ? "" : " UNION ALL ", table);
}

/* Of the tables in `statement`, the one that lacks least. */
static enum session_result ask_least_missing(
    struct probed *item, struct text *statement, enum probe_stage stage) {
    AUTO_TEXT struct text versions = {.data = NULL};
    for (size_t i = 0; i < item->migrations.count; i++) {
        text_append_format(&versions, "%s%s", i == 0 ? "" : ",", item->migrations.items[i].version);
    }
    text_append_string(statement, " ORDER BY missing LIMIT 1");
    const char *parameters[] = {text_string(&versions)};
    item->stage = stage;
    return session_query_start(session_of(item), text_string(statement), parameters, 1);
}

static enum session_result ask_versions(struct probed *item) {
    AUTO_TEXT struct text statement = {.data = NULL};
    for (int row = 1; row < session_row_count(session_of(item)); row++) {
        if (strcmp(session_value(session_of(item), row, 2), "t") == 0) {
            append_versions_question(&statement, session_value(session_of(item), row, 1));
        }
    }
    if (statement.length == 0) {
        end_unknown(item, SESSION_DONE, TROUBLE_FINAL, "its schema_migrations cannot be read");
        return SESSION_DONE;
    }
    return ask_least_missing(item, &statement, PROBE_READING_VERSIONS);
}

/* Its path is read, and what it lacks there. Steps may have a path of their own. */
static enum session_result end_here(
    const struct probe *probe, struct probed *item, enum condition condition) {
    if (probe->time == PROBE_AFTER_STEPS && item->lent != NULL && condition != CONDITION_COMPLETE) {
        const char *parameters[] = {probe->table};
        item->condition = condition;
        item->stage = PROBE_LOOKING_BESIDE;
        return session_query_start(session_of(item), beside, parameters, 1);
    }
    end(item, condition);
    return SESSION_DONE;
}

static enum session_result ask_versions_beside(struct probed *item) {
    AUTO_TEXT struct text statement = {.data = NULL};
    for (int row = 0; row < session_row_count(session_of(item)); row++) {
        append_versions_question(&statement, session_value(session_of(item), row, 0));
    }
    if (statement.length == 0) {
        end(item, item->condition);
        return SESSION_DONE;
    }
    return ask_least_missing(item, &statement, PROBE_READING_BESIDE);
}

static int64_t number_in(const char *text) {
    int64_t number = 0;
    return number_parse(text, 0, INT64_MAX, &number) ? number : 0;
}

static enum session_result take_catalogue(const struct probe *probe, struct probed *item) {
    item->tables = number_in(session_value(session_of(item), 0, 1));
    if (session_row_count(session_of(item)) > 1) {
        return ask_versions(item);
    }
    return end_here(probe, item, item->tables == 0 ? CONDITION_EMPTY : CONDITION_FOREIGN);
}

static enum session_result take_versions(const struct probe *probe, struct probed *item) {
    item->missing = number_in(session_value(session_of(item), 0, 0));
    (void)snprintf(item->first_missing, sizeof item->first_missing, "%s",
        session_value(session_of(item), 0, 1));
    return end_here(probe, item, item->missing == 0 ? CONDITION_COMPLETE : CONDITION_BEHIND);
}

static void take_versions_beside(struct probed *item) {
    item->is_complete_beside = number_in(session_value(session_of(item), 0, 0)) == 0;
    end(item, item->condition);
}

static void take_role(struct probed *item) {
    item->is_creatable = session_row_count(session_of(item)) == 1 &&
        strcmp(session_value(session_of(item), 0, 0), "t") == 0;
    if (!item->is_creatable) {
        (void)snprintf(item->reason, sizeof item->reason, "its role may not create databases");
    }
    end(item, CONDITION_MISSING);
}

/* The session has done what its stage wanted: the next question, if there is one. */
static enum session_result go_on(const struct probe *probe, struct probed *item) {
    switch (item->stage) {
    case PROBE_CONNECTING:
        return ask_catalogue(probe, item);
    case PROBE_READING_CATALOGUE:
        return take_catalogue(probe, item);
    case PROBE_READING_VERSIONS:
        return take_versions(probe, item);
    case PROBE_LOOKING_BESIDE:
        return ask_versions_beside(item);
    case PROBE_READING_BESIDE:
        take_versions_beside(item);
        return SESSION_DONE;
    case PROBE_CONNECTING_TO_CREATE:
        item->stage = PROBE_READING_ROLE;
        return session_query_start(session_of(item), role_question, NULL, 0);
    case PROBE_READING_ROLE:
        take_role(item);
        return SESSION_DONE;
    case PROBE_TO_BEGIN:
    case PROBE_ENDED:
        break;
    }
    return SESSION_DONE;
}

static enum session_result fail(
    struct probe *probe, struct probed *item, const struct interrupt *interrupt) {
    const struct session_failure failure = session_of(item)->failure;
    bool is_missing =
        item->stage == PROBE_CONNECTING && failure.trouble == TROUBLE_MISSING_DATABASE;
    bool is_asking_role =
        item->stage == PROBE_CONNECTING_TO_CREATE || item->stage == PROBE_READING_ROLE;
    if (is_missing && probe->time == PROBE_BEFORE_STEPS) {
        close_own(item);
        item->stage = PROBE_CONNECTING_TO_CREATE;
        return connect_start(item, "postgres", interrupt);
    }
    if (is_missing || (is_asking_role && !trouble_may_pass(failure.trouble))) {
        (void)snprintf(item->reason, sizeof item->reason, "%s", failure.message);
        end(item, CONDITION_MISSING);
        return SESSION_DONE;
    }
    end_unknown(item, SESSION_FAILED, failure.trouble, failure.message);
    return SESSION_DONE;
}

/* Goes on until something is pending or the item has ended. */
static void follow(struct probe *probe, struct probed *item, enum session_result result,
    const struct interrupt *interrupt) {
    while (item->stage != PROBE_ENDED && result != SESSION_PENDING) {
        result = result == SESSION_DONE ? go_on(probe, item) : fail(probe, item, interrupt);
    }
}

static void advance(struct probe *probe, struct probed *item, const struct interrupt *interrupt) {
    bool is_connecting =
        item->stage == PROBE_CONNECTING || item->stage == PROBE_CONNECTING_TO_CREATE;
    follow(probe, item,
        is_connecting ? session_open_advance(session_of(item)) : session_advance(session_of(item)),
        interrupt);
}

static void begin(struct probe *probe, struct probed *item, const struct interrupt *interrupt) {
    enum session_result result = SESSION_DONE;
    if (item->lent != NULL) {
        result = ask_catalogue(probe, item);
    } else if (!database_names_server(item->database)) {
        end_unknown(item, SESSION_DONE, TROUBLE_FINAL,
            "no host is named, and no server's socket is in /var/run/postgresql");
        return;
    } else {
        item->stage = PROBE_CONNECTING;
        result = connect_start(item, NULL, interrupt);
    }
    follow(probe, item, result, interrupt);
}

/* Waits for any of them; false when the time is up, or *cancelled. */
static bool wait_for_any(struct probe *probe, const struct interrupt *interrupt,
    int64_t deadline_ms, struct pollfd *descriptors, bool *cancelled) {
    size_t pending = 0;
    descriptors[probe->count] =
        (struct pollfd){.fd = interrupt == NULL ? -1 : interrupt->fd, .events = POLLIN};
    for (size_t i = 0; i < probe->count; i++) {
        struct probed *item = &probe->items[i];
        descriptors[i] = (struct pollfd){.fd = -1};
        if (item->stage != PROBE_ENDED) {
            descriptors[i].fd = session_fd(session_of(item));
            descriptors[i].events = session_of(item)->events;
            pending++;
        }
    }
    if (pending == 0 || deadline_passed(deadline_ms)) {
        return false;
    }
    if (poll(descriptors, probe->count + 1, deadline_poll_timeout_ms(deadline_ms)) <= 0) {
        /* What was not filled in must not be looked at. */
        memset(descriptors, 0, (probe->count + 1) * sizeof *descriptors);
        return true;
    }
    *cancelled = interrupt != NULL && descriptors[probe->count].revents != 0 &&
        interrupt->cancelled(interrupt->argument);
    return !*cancelled;
}

/* What was lent and has an answer under way would give it to the next statement. What was said
 * before is worth more than the silence. */
static void abandon(struct probed *item, enum session_result result) {
    static const char silence[] = "it does not answer";
    AUTO_TEXT struct text reason = {.data = NULL};
    if (string_has_prefix(item->reason, silence)) {
        text_append_string(&reason, item->reason);
    } else {
        text_append_format(&reason, "%s%s%s", silence,
            item->reason[0] == '\0' ? "" : "; the last that was said: ", item->reason);
    }
    session_close(session_of(item));
    end_unknown(item, result, TROUBLE_PASSING, text_string(&reason));
}

enum session_result probe_try(
    struct probe *probe, const struct interrupt *interrupt, int64_t deadline_ms) {
    AUTO_FREE struct pollfd *descriptors = memory_allocate(probe->count + 1, sizeof *descriptors);
    bool cancelled = false;
    for (size_t i = 0; i < probe->count; i++) {
        struct probed *item = &probe->items[i];
        if (item->stage == PROBE_TO_BEGIN || probe_database_may_pass(item)) {
            begin(probe, item, interrupt);
        }
    }
    while (wait_for_any(probe, interrupt, deadline_ms, descriptors, &cancelled)) {
        for (size_t i = 0; i < probe->count; i++) {
            if (descriptors[i].revents != 0) {
                advance(probe, &probe->items[i], interrupt);
            }
        }
    }
    for (size_t i = 0; i < probe->count; i++) {
        if (probe->items[i].stage != PROBE_ENDED) {
            abandon(&probe->items[i], cancelled ? SESSION_CANCELLED : SESSION_TIMED_OUT);
        }
    }
    return cancelled ? SESSION_CANCELLED : SESSION_DONE;
}

bool probe_may_pass(const struct probe *probe) {
    for (size_t i = 0; i < probe->count; i++) {
        if (probe_database_may_pass(&probe->items[i])) {
            return true;
        }
    }
    return false;
}

void probe_release(struct probe *probe) {
    for (size_t i = 0; i < probe->count; i++) {
        close_own(&probe->items[i]);
        migrations_release(&probe->items[i].migrations);
    }
    free(probe->items);
    *probe = (struct probe){.items = NULL};
}
