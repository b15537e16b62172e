/*
 * What follows from what the databases are like: pure functions over a survey. Whether a recorded
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
bool inspection_names(const char *names, const char *name);

/* Why a run that left these databases in order does not count any more, or "": the first of them
 * that is not in order now. */
void inspection_doubt(const struct survey *survey, char doubt[LOOK_DOUBT_LENGTH]);

/* The names of those in order, or of those that steps would initialise, one a line; what does not
 * fit whole is left out. */
void inspection_list_in_order(const struct survey *survey, char names[RUN_DATABASES_LENGTH]);
void inspection_list_new(const struct survey *survey, char names[RUN_DATABASES_LENGTH]);

/* What the first database is like, so that it shows afterwards whether the steps have touched it.
 * CONDITION_UNKNOWN where it is not in the survey. */
struct first_database {
    enum condition condition;
    int64_t tables;
    int64_t missing;
};
struct first_database inspection_first(
    const struct survey *survey, const struct database *database);

/* What is known of steps that ended well. */
struct steps_trace {
    bool migrate_wholly; /* They have run every migration there is. */
    bool are_named;      /* They carry the run's name in the server, … */
    bool were_seen;      /* … and were seen at work in the lock's. */
    struct first_database before;
};

/* The truth afterwards: why the steps seem to have migrated another database than this one, which
 * the lock is in, or "". Two signs together: it lacks migrations as it did before, and nobody saw
 * the steps there. */
void inspection_find_elsewhere(const struct survey *survey, const struct database *database,
    const struct steps_trace *trace, char elsewhere[LOOK_DOUBT_LENGTH]);

struct inspection_rules {
    struct tasks tasks;
    bool allow_schema_load;
    bool is_first_missing;   /* The first database, which is not in the survey, does not exist. */
    const char *begun;       /* Names of those that an unfinished run began to initialise. */
    const struct run *since; /* The last success, with id 0 where there is none. */
};

/* Whether the steps would initialise the first database, and why they are due. */
void inspection_explain(const struct survey *survey, const struct inspection_rules *rules,
    struct inspection *inspection);

enum inspection_verdict {
    INSPECTION_PASSED,
    INSPECTION_NOT_ALL, /* On a first boot one of the databases is not to be had. */
    INSPECTION_TABLES   /* The steps would load a schema over somebody's tables. */
};

/* What one database stands in the way of, with a line for people about it. */
enum inspection_verdict inspection_judge(const struct survey *survey, size_t index,
    const struct inspection_rules *rules, struct text *line);

#endif
