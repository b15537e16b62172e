/*
 * What a line of Ruby may do to ENV. Reads no files and evaluates nothing.
 */
#ifndef DATABASE_RUBY_WRITES_H
#define DATABASE_RUBY_WRITES_H

#include <stdbool.h>

#include "signalbox/base/text.h"

/* Whether what is written may change a variable for which `matters` says yes, given what is set in
 * the environment now; a key that is no literal may be any. `what` then says it, for a person. */
bool ruby_writes_variable(const char *line, bool (*matters)(const char *name, const void *argument),
    const void *argument, struct text *what);

#endif
