/*
 * One entry of --watch: `schema`, `$NAME`, or a pattern of files.
 */
#ifndef SIGNALBOX_FINGERPRINT_WATCH_ENTRY_H
#define SIGNALBOX_FINGERPRINT_WATCH_ENTRY_H

#include <stdbool.h>

#include "signalbox/base/string_list.h"

#define WATCH_SCHEMA "schema"

/* What is wrong with it, as a clause; NULL where nothing is. */
const char *watch_entry_problem(const char *entry);

/* Whether `schema` is among them. */
bool watch_entry_has_schema(const struct string_list *entries);

#endif
