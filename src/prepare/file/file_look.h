/*
 * What a ledger of runs says about one fingerprint: from the runs in a file to a struct look. Pure.
 */
#ifndef PREPARE_FILE_FILE_LOOK_H
#define PREPARE_FILE_FILE_LOOK_H

#include <stdint.h>

#include "prepare/file/file_ledger.h"
#include "prepare/protocol/backend.h"
#include "signalbox/prepare/history.h"

/* Everything in the look but has_ledger and doubt. `now_ms` is the time of day, since 1970. */
void file_look_newest(
    const struct file_ledger *ledger, const char *fingerprint, int64_t now_ms, struct look *look);

/* One run, as the protocol knows it. */
void file_look_read_run(const struct file_run *run, int64_t now_ms, struct run *read);

/* The newest runs, for --status. */
void file_look_list(const struct file_ledger *ledger, int64_t now_ms, struct history *history);

/* "2026-11-21T08:00:00.000Z" */
void file_look_format_moment(int64_t moment_ms, char formatted[RUN_MOMENT_LENGTH]);

#endif
