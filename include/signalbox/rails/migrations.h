/*
 * The migrations that an image has, as ActiveRecord finds them: the files [0-9]*_*.rb at any depth
 * below a database's migrations_paths, known by the number that their name begins with.
 */
#ifndef SIGNALBOX_RAILS_MIGRATIONS_H
#define SIGNALBOX_RAILS_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/string_list.h"

struct migration {
    char *version; /* Its digits without leading zeros, so that equal numbers are equal texts. */
    char *path;    /* As the log names it: "db/migrate/20261101000000_create_products.rb". */
};

struct migrations {
    struct migration *items; /* In the order of their numbers; NULL while empty. */
    size_t count;
};

/* The digits in front of the first `_` without leading zeros, as many as *length says; NULL for a
 * name that is no migration's. */
const char *migrations_version(const char *file_name, size_t *length);

/* `paths` are relative to `directory`, which "." is; where there are none, Rails' own db/migrate is
 * meant. A path that is not there has no migrations, and neither has what cannot be read: Rails
 * passes over it too. Links to directories are not followed, hidden directories not entered. */
void migrations_read(
    const char *directory, const struct string_list *paths, struct migrations *migrations);

/* Where a version is defined, or NULL. */
const char *migrations_path_of(const struct migrations *migrations, const char *version);

void migrations_release(struct migrations *migrations);
#define AUTO_MIGRATIONS __attribute__((cleanup(migrations_release)))

#endif
