/*
 * From what a look at the ledger shows to a sentence about it. Pure.
 */
#ifndef PREPARE_READINESS_SENTENCE_H
#define PREPARE_READINESS_SENTENCE_H

#include <stdbool.h>

#include "prepare/protocol/backend.h"
#include "signalbox/base/text.h"

/* Whether a replica that came now would start its server at once, and why, as a clause appended to
 * `why`. */
bool readiness_sentence_make(
    const struct look *look, bool only_latest_counts, bool is_lock_held, struct text *why);

#endif
