/*
 * The table signalbox_runs: one row a run, in a schema of the first database's search path. A new
 * table only; no change to any other. Every change of a row names the state it leaves, so that a
 * replica that comes back late changes nothing.
 */
#ifndef PREPARE_POSTGRES_LEDGER_H
#define PREPARE_POSTGRES_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "signalbox/postgres/session.h"

/* A column with a moment, as struct run has it. */
#define LEDGER_MOMENT(column)                                                                      \
    "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '')"

struct ledger {
    char *schema;      /* Quoted; NULL until ledger_find. */
    char *table;       /* Schema and name, quoted; NULL until ledger_find. */
    char lock_key[16]; /* As text, for parameters. */
    const char *fingerprint;
    const char *search_path; /* The app's schema_search_path, or NULL. */
};

/* Learns the schema: the first of the search path that has such a table, or where it would be made.
 * To be asked again until the table is there, since schemas come and go. SESSION_FAILED where there
 * is none to keep a table in. */
enum session_result ledger_find(
    struct ledger *ledger, struct session *session, int64_t deadline_ms) MUST_USE;

enum session_result ledger_exists(const struct ledger *ledger, struct session *session,
    bool *exists, int64_t deadline_ms) MUST_USE;

/* Makes the table where it is missing, and the columns where an older version made it; only under
 * the lock. *exists says whether it is there now. */
enum session_result ledger_make(const struct ledger *ledger, struct session *session, bool *exists,
    int64_t deadline_ms) MUST_USE;

/* A table that is not there yet (*exists) is an empty ledger. */
enum session_result ledger_read(const struct ledger *ledger, struct session *session,
    struct look *look, bool *exists, int64_t deadline_ms) MUST_USE;

/* The newest runs, for --status; the table must be there. */
enum session_result ledger_list(const struct ledger *ledger, struct session *session,
    struct history *found, int64_t deadline_ms) MUST_USE;

/* Under the lock, a running row of this lock key is a runner that died. */
enum session_result ledger_mark_interrupted(const struct ledger *ledger, struct session *session,
    struct run *dead, int64_t deadline_ms) MUST_USE;

struct ledger_entry {
    const char *run; /* The fence's name for it. */
    const char *host;
    const char *release; /* Or NULL. */
    bool initialises;
    const char *databases; /* Which of them it begins to initialise, a name a line, or "". */
};

/* Which databases the runs since the last success began to initialise, a name a line, in memory of
 * the caller. */
enum session_result ledger_begun(const struct ledger *ledger, struct session *session, char **names,
    int64_t deadline_ms) MUST_USE;

enum session_result ledger_begin(const struct ledger *ledger, struct session *session,
    const struct ledger_entry *entry, int64_t *id, int64_t deadline_ms) MUST_USE;

/* Counts this replica in the row of a run that is under way, and gives how many were counted
 * there. *waiters is 0 where the run has ended or somebody else is writing to the row just now, and
 * LEDGER_UNCOUNTABLE where nobody can be counted: this role may not write there, or an older
 * version has made the table. */
enum { LEDGER_UNCOUNTABLE = -1 };
enum session_result ledger_count_waiter(const struct ledger *ledger, struct session *session,
    int64_t id, int64_t *waiters, int64_t deadline_ms) MUST_USE;

/* *changed is false where somebody else has decided this run. */
enum session_result ledger_end(const struct ledger *ledger, struct session *session,
    const struct run *outcome, bool *changed, int64_t deadline_ms) MUST_USE;

/* Keeps of this lock key each of the last 1 000 fingerprints' newest success, and 100 rows of
 * anything else. */
enum session_result ledger_prune(
    const struct ledger *ledger, struct session *session, int64_t deadline_ms) MUST_USE;

void ledger_release(struct ledger *ledger);

#endif
