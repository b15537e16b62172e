/*
 * What a failed step leaves in the databases for a person to remove: an index that CREATE INDEX
 * CONCURRENTLY (disable_ddl_transaction!) has begun and not finished. It is not used and still kept
 * up to date, and the next try finds its name taken.
 */
#ifndef PREPARE_POSTGRES_REMAINS_H
#define PREPARE_POSTGRES_REMAINS_H

#include <stdint.h>

#include "signalbox/base/text.h"
#include "signalbox/database/database.h"
#include "signalbox/process/interrupt.h"

/* Names each in the log, with the statement that removes it, unless `said` has it already. Blocks
 * until the deadline at most, or until it is interrupted; a database that does not answer is left
 * out. */
void remains_name(const struct databases *databases, const struct interrupt *interrupt,
    struct text *said, int64_t deadline_ms);

#endif
