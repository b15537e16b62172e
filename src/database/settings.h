/*
 * From ActiveRecord's settings of one configuration to a database.
 */
#ifndef DATABASE_SETTINGS_H
#define DATABASE_SETTINGS_H

#include "database/reading.h"
#include "database/value.h"
#include "signalbox/database/database.h"

/* Whether Rails' tasks touch it. `is_from_url`: a URL was merged into the settings, and then
 * Rails' versions do not agree on what the string "false" means. */
enum reading settings_count(const struct value *settings, bool is_from_url, bool *counts,
    struct reading_note *reading_note);

/* READ_UNCLEAR where a setting that decides is of a kind whose text only Ruby knows. The role and
 * the source are left to the caller. */
enum reading settings_to_database(
    const struct value *settings, struct database *database, struct reading_note *reading_note);

#endif
