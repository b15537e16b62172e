/*
 * The sentence of --status. Whether it is prepared is decided by the protocol's own function, so
 * that the answer is always what a replica would do.
 */
#include "prepare/readiness_sentence.h"

#include "prepare/protocol/protocol.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/text.h"

static void append_run(const struct run *run, struct text *why) {
    text_append_format(why, "run %lld on %s", (long long)run->id, run->host);
}

static void explain_success(const struct look *look, bool is_prepared, struct text *why) {
    append_run(&look->newest, why);
    text_append_format(why, " succeeded %s ago", duration_describe(look->newest.age_ms).string);
    if (is_prepared) {
        return;
    }
    if (look->stale_reason[0] != '\0') {
        text_append_format(why, ", but %s", look->stale_reason);
    } else {
        text_append_format(why,
            ", but run %lld has prepared other content since, and not every step is a migration",
            (long long)look->latest.id);
    }
}

static void explain_running(const struct look *look, bool is_lock_held, struct text *why) {
    append_run(&look->newest, why);
    text_append_format(why,
        is_lock_held ? " has been preparing it for %s"
                     : " began %s ago and never ended: its replica died",
        duration_describe(look->newest.age_ms).string);
}

static void explain_failure(const struct look *look, struct text *why) {
    append_run(&look->newest, why);
    text_append_format(why, " failed %s ago with status %d in `%s`",
        duration_describe(look->newest.age_ms).string, look->newest.exit_status, look->newest.step);
}

static void explain_none(const struct look *look, struct text *why) {
    text_append_string(why, "this content has not been prepared yet");
    if (look->latest.id != 0) {
        text_append_string(why, "; the last prepared content is of ");
        append_run(&look->latest, why);
        text_append_format(why, ", %s ago", duration_describe(look->latest.age_ms).string);
    }
}

bool readiness_sentence_make(
    const struct look *look, bool only_latest_counts, bool is_lock_held, struct text *why) {
    bool is_prepared = look->has_ledger &&
        protocol_observe(PREPARE_BY_OTHERS, only_latest_counts, look, look) == SEEN_SUCCEEDED;
    if (!look->has_ledger) {
        text_append_string(why, "without a ledger it is not known what is prepared");
        return false;
    }
    switch (look->newest.state) {
    case RUN_NONE:
        explain_none(look, why);
        break;
    case RUN_RUNNING:
        explain_running(look, is_lock_held, why);
        break;
    case RUN_SUCCEEDED:
        explain_success(look, is_prepared, why);
        break;
    case RUN_FAILED:
        explain_failure(look, why);
        break;
    case RUN_INTERRUPTED:
        append_run(&look->newest, why);
        text_append_format(
            why, " was interrupted %s ago", duration_describe(look->newest.age_ms).string);
        break;
    }
    return is_prepared;
}
