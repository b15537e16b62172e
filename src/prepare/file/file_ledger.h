/*
 * The ledger as text: one line a run, in the order of their ids, between a line that says what it
 * is and a last line that says it is whole. Every part of it is readable with `less`.
 *
 *     signalbox ledger 1
 *     id <tab> run <tab> lock_key <tab> … the names of the columns
 *     1 <tab> 0f3c… <tab> 0 <tab> …
 *     end <tab> 1 <tab> 2f60a3c41b7d9e58   how many runs, and a checksum over all before this line
 *
 * Pure: bytes in, bytes out. A column that a version does not know is left out when it writes; one
 * that an older version did not write is empty.
 */
#ifndef PREPARE_FILE_FILE_LEDGER_H
#define PREPARE_FILE_FILE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/text.h"

enum file_ledger_column {
    COLUMN_ID, /* A number from 1 on. */
    COLUMN_RUN,
    COLUMN_LOCK_KEY,
    COLUMN_FINGERPRINT,
    COLUMN_RELEASE,
    COLUMN_STATE,
    COLUMN_HOST,
    COLUMN_STARTED, /* "2026-11-21T08:00:00.000Z", of the host's clock: for people. */
    COLUMN_FINISHED,
    COLUMN_EXIT_STATUS,
    COLUMN_STEP,
    COLUMN_OUTPUT,
    COLUMN_DATABASES,   /* sqlite_files.h. */
    COLUMN_INITIALISES, /* "t" where the run began on a new database. */
    COLUMN_ELSEWHERE,   /* Why its steps seem to have made another database. */
    COLUMN_TRIES,       /* Of the step that was tried most often. */
    COLUMN_COUNT
};

struct file_run {
    char *fields[COLUMN_COUNT]; /* Never NULL; "" where there is nothing. */
};

struct file_ledger {
    struct file_run *runs; /* The oldest first. */
    size_t count;
};

/* NULL, or why this is no ledger, as the end of a sentence that begins with the file's name; the
 * ledger is then empty. Bytes that were cut off or changed anywhere are never taken for a ledger.
 */
const char *file_ledger_parse(
    const char *bytes, size_t length, struct file_ledger *ledger) MUST_USE;

void file_ledger_format(const struct file_ledger *ledger, struct text *text);

/* A new run at the end, with the next id and otherwise empty. */
struct file_run *file_ledger_append(struct file_ledger *ledger);

/* NULL where there is none of this id. */
struct file_run *file_ledger_find(const struct file_ledger *ledger, int64_t id);

void file_ledger_run_set(struct file_run *run, enum file_ledger_column column, const char *value);
void file_ledger_run_set_id(struct file_run *run, int64_t id);
int64_t file_ledger_run_id(const struct file_run *run);
enum run_state file_ledger_run_state(const struct file_run *run);

/* Leaves each of the last 1 000 fingerprints' newest success, and 100 runs of anything else. */
void file_ledger_prune(struct file_ledger *ledger);

void file_ledger_release(struct file_ledger *ledger);
#define AUTO_FILE_LEDGER __attribute__((cleanup(file_ledger_release)))

#endif
