/*
 * What Bundler's lock file says about gems that are part of the repository.
 */
#ifndef SIGNALBOX_RAILS_GEMFILE_LOCK_H
#define SIGNALBOX_RAILS_GEMFILE_LOCK_H

#include <stddef.h>

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

/* Appends the folders of `path:` gems (the remotes of its PATH sections), as they stand there:
 * absolute, or from the lock file's own folder. Any bytes will do. */
void gemfile_lock_paths(const char *content, size_t length, struct string_list *paths);

/* The lock file beside this Gemfile, as Bundler names it: gems.rb has gems.locked, any other has
 * its own name with `.lock`. */
void gemfile_lock_name(const char *gemfile, struct text *name);

/* Appends the content of an application's lock file: that of $BUNDLE_GEMFILE, or else Gemfile.lock
 * or gems.locked. Nothing where there is none, or none that can be read. */
void gemfile_lock_read(const char *directory, struct text *content);

#endif
