/*
 * What follows from what the databases are like: pure functions over a survey. Whether a recorded
 * success still counts, why a prepare is due, and what must be refused before anything is touched
 * (design, section 6: Decided?, First boot, All or nothing, Never over somebody's tables).
 */
#ifndef PREPARE_INSPECTION_H
#define PREPARE_INSPECTION_H

#include <stdbool.h>

#include "prepare/coordinator.h"
#include "prepare/survey.h"
#include "signalbox/prepare/tasks.h"

/* Whether a name stands in a list of names, one a line. */
bool inspection_names(const char *names, const char *name);

/* Why a run that left these databases in order does not count any more, or "": the first of them
 * that is not in order now. */
void inspection_doubt(const struct survey *survey, char doubt[LOOK_DOUBT_LENGTH]);

/* The names of those in order, or of those that steps would initialise, one a line; what does not
 * fit whole is left out. */
void inspection_list_in_order(const struct survey *survey, char names[RUN_DATABASES_LENGTH]);
void inspection_list_new(const struct survey *survey, char names[RUN_DATABASES_LENGTH]);

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
