/*
 * What the databases of an application are like, looked at all at once: one short connection each,
 * in one poll loop. It only looks; what follows from it is decided in preflight.h.
 */
#ifndef PREPARE_PREFLIGHT_PROBE_H
#define PREPARE_PREFLIGHT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/database/database.h"
#include "signalbox/postgres/session.h"
#include "signalbox/rails/migrations.h"

enum condition {
    CONDITION_UNKNOWN, /* It has not answered: `trouble` and `reason` say why. */
    CONDITION_MISSING, /* There is no such database. */
    CONDITION_EMPTY,   /* No table of the application's. */
    CONDITION_FOREIGN, /* Tables, but none of migrations: it would end in schema_migrations, or have
                          the name that the application gives it. */
    CONDITION_BEHIND,  /* Not every version that the image has. */
    CONDITION_COMPLETE, /* Every version that the image has. */
    CONDITION_COUNT
};

enum probe_stage {
    PROBE_TO_BEGIN,
    PROBE_CONNECTING,
    PROBE_READING_CATALOGUE,
    PROBE_READING_VERSIONS,
    PROBE_LOOKING_BESIDE, /* For tables of migrations that its search path does not find, … */
    PROBE_READING_BESIDE, /* … and what those lack. */
    PROBE_CONNECTING_TO_CREATE, /* To `postgres`, since the database is missing. */
    PROBE_READING_ROLE,
    PROBE_ENDED
};

struct probed {
    const struct database *database;
    struct migrations migrations; /* That the image has for it. */
    enum condition condition;
    enum session_trouble trouble; /* Whether what keeps it from answering may pass. */
    char reason[480];             /* Why it is unknown, or why it may not be created. */
    bool is_creatable;            /* It is missing, and its role may create databases. */
    int64_t tables;               /* Extensions' and our ledger aside. */
    int64_t missing;              /* Versions that the image has and the database has not. */
    char first_missing[64];       /* The lowest of them. */
    bool is_complete_beside;      /* Another schema of it, not of its path, has every version. */
    enum probe_stage stage;
    enum session_result result; /* Of the last attempt, SESSION_DONE where it has answered. */
    struct session *lent;       /* NULL where it has one of its own. */
    struct session own;
};

enum probe_time {
    PROBE_ANY_TIME,
    PROBE_BEFORE_STEPS, /* Of a missing database: whether it could be created. */
    PROBE_AFTER_STEPS   /* Of who was lent a session: what other schemas have, too. */
};

struct probe {
    struct probed *items;
    size_t count;
    const char *table; /* The application's own name for its table of migrations. */
    enum probe_time time;
};

/* Makes a probe of nothing yet. `table` is the name that the application has for its table of
 * migrations. */
void probe_begin(struct probe *probe, const char *table, enum probe_time time);

/* Adds a database, which must be PostgreSQL's and stay as long as the probe; `directory` is the
 * application's. With `lent`, an open session to it, none is opened, and it is left open. */
void probe_add(struct probe *probe, const struct database *database, const char *directory,
    struct session *lent);

/* One attempt at each that has not answered. SESSION_DONE when each has answered or failed,
 * whatever they said; SESSION_CANCELLED when a signal came. A probe that is not done at the
 * deadline does not answer. */
enum session_result probe_try(
    struct probe *probe, const struct interrupt *interrupt, int64_t deadline_ms) MUST_USE;

/* Whether another attempt may bring an answer, about one of them or any. */
bool probe_database_may_pass(const struct probed *item);
bool probe_may_pass(const struct probe *probe);

void probe_release(struct probe *probe);
#define AUTO_PROBE __attribute__((cleanup(probe_release)))

#endif
