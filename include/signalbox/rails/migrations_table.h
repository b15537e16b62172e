/*
 * The name that Rails has for its table of migrations, as far as the application's files say it:
 * table_name_prefix, schema_migrations_table_name and table_name_suffix of ActiveRecord, in that
 * order.
 */
#ifndef SIGNALBOX_RAILS_MIGRATIONS_TABLE_H
#define SIGNALBOX_RAILS_MIGRATIONS_TABLE_H

#include "signalbox/base/text.h"

/* Appends it: "schema_migrations" where no file says anything else. Reads config/application.rb,
 * the environment's own file, the initializers and config/environment.rb, as Rails does, the last
 * word counting; a value that is no literal says nothing. */
void migrations_table_find(const char *directory, const char *environment, struct text *name);

#endif
