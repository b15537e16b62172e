/*
 * Statements of others, as pg_stat_activity shows them, for the log.
 */
#ifndef SIGNALBOX_POSTGRES_STATEMENT_H
#define SIGNALBOX_POSTGRES_STATEMENT_H

#include <stddef.h>

#include "signalbox/base/text.h"

/* Appends the first words of a statement, at most `most` bytes and then "…", with every literal as
 * ?, without comments and on one line. A literal that is not closed, since the server cuts a long
 * statement off, reaches to the end. Where it is not certain where a literal ends, nothing after it
 * is shown. */
void statement_mask(const char *statement, size_t most, struct text *masked);

#endif
