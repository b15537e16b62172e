/*
 * What Rails' tasks among the steps do to a database that is missing or empty. Only the words are
 * looked at, because a script of the application cannot be read.
 */
#ifndef SIGNALBOX_RAILS_TASKS_H
#define SIGNALBOX_RAILS_TASKS_H

#include <stdbool.h>

#include "signalbox/command/step.h"

struct tasks {
    bool create;        /* A step creates databases that are missing. */
    const char *loader; /* The task that loads the schema where there is no schema_migrations, by
                           which it drops what is there; NULL where no step does. */
    bool concern_all;   /* One of these tasks is for every database; otherwise … */
    char names[256];    /* … only for those of these configurations, a name a line. */
};

/* The first Rails whose db:migrate creates a database and loads its schema. */
enum { TASKS_MIGRATE_FROM_NOTHING = 8 };

/* `rails_major` decides about db:migrate; 0: not known, and then it creates nothing, but may load.
 */
struct tasks tasks_of_steps(const struct step_list *steps, int rails_major);

/* Whether they would create the configuration's database, or load its schema. */
bool tasks_concern(const struct tasks *tasks, const char *configuration);

/* Whether one of them, when it ends well, has certainly brought every database that it is for to
 * the image's newest migration: a script may have left it out, and VERSION or SCOPE stop it before.
 * Reads the environment. */
bool tasks_migrate_wholly(const struct step_list *steps);

/* The first number of ActiveRecord's version in the lock file of Bundler, beside $BUNDLE_GEMFILE or
 * in `directory`; 0 where that says nothing. Reads one file. */
int tasks_rails_major(const char *directory);

#endif
