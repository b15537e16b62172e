/*
 * What follows from what the databases are like: pure functions over a probe. Whether a recorded
 * success still counts, why a prepare is due, and what must be refused before anything is touched
 * (design, section 6: Decided?, First boot, All or nothing, Never over somebody's tables).
 */
#ifndef PREPARE_PREFLIGHT_PREFLIGHT_H
#define PREPARE_PREFLIGHT_PREFLIGHT_H

#include <stdbool.h>

#include "prepare/preflight/probe.h"
#include "prepare/protocol/backend.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/tasks.h"

/* Whether a name stands in a list of names, one a line. */
bool preflight_names(const char *names, const char *name);

/* Why a run that left these databases in order does not count any more, or "": the first of them
 * that is not in order now. */
void preflight_stale_reason(const struct probe *probe, char stale_reason[RUN_REASON_LENGTH]);

/* The names of those in order, or of those that steps would initialise, one a line; what does not
 * fit whole is left out. */
void preflight_list_in_order(const struct probe *probe, char names[RUN_DATABASES_LENGTH]);
void preflight_list_new(const struct probe *probe, char names[RUN_DATABASES_LENGTH]);

/* What the first database is like, so that it shows afterwards whether the steps have touched it.
 * CONDITION_UNKNOWN where it is not in the probe. */
struct first_database {
    enum condition condition;
    int64_t tables;
    int64_t missing;
};
struct first_database preflight_first(const struct probe *probe, const struct database *database);

/* What is known of steps that ended well. */
struct steps_trace {
    bool migrate_wholly; /* They have run every migration there is. */
    bool are_named;      /* They carry the run's name in the server, … */
    bool were_seen;      /* … and were seen at work in the lock's. */
    struct first_database before;
};

/* The truth afterwards: why the steps seem to have migrated another database than this one, which
 * the lock is in, or "". Two signs together: it lacks migrations as it did before, in whatever
 * schema, and no one saw the steps there. */
void preflight_find_elsewhere(const struct probe *probe, const struct database *database,
    const struct steps_trace *trace, char elsewhere[RUN_REASON_LENGTH]);

struct preflight_rules {
    struct tasks tasks;
    bool allow_schema_load;
    bool is_first_missing;   /* The first database, which is not in the probe, does not exist. */
    const char *begun;       /* Names of those that an unfinished run began to initialise. */
    const struct run *since; /* The last success, with id 0 where there is none. */
};

/* Whether the steps would initialise the first database, and why they are due. */
void preflight_explain(
    const struct probe *probe, const struct preflight_rules *rules, struct preflight *preflight);

enum preflight_outcome {
    PREFLIGHT_PASSED,
    PREFLIGHT_NOT_ALL, /* On a first boot one of the databases is not available. */
    PREFLIGHT_TABLES   /* The steps would load a schema over foreign tables. */
};

/* What one database stands in the way of, with a line for people about it. */
enum preflight_outcome preflight_judge(const struct probe *probe, size_t index,
    const struct preflight_rules *rules, struct text *line);

#endif
