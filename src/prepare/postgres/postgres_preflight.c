/*
 * Between the backend and the preflight. The preflight closes the reader while it waits for another
 * database, and the lock needs the reader again afterwards.
 */
#include "prepare/postgres/postgres_preflight.h"

#include <string.h>

#include "prepare/postgres/ledger.h"
#include "prepare/preflight/preflight_run.h"
#include "signalbox/base/deadline.h"

enum { STATEMENT_TIMEOUT_MS = 30000 };

static struct probe_context probe_context_of(const struct postgres_preflight *preflight) {
    return (struct probe_context){
        .reader = &preflight->link->session,
        .lock = preflight->lock,
        .tend = lock_is_taken(preflight->lock) ? lock_holds : NULL,
        .interrupt = preflight->link->interrupt,
    };
}

/* Where the steps are not only migrations, the last success of this lock key alone counts. */
enum observation postgres_preflight_look(
    struct postgres_preflight *preflight, struct look *seen, struct error *error) {
    const struct probe_context context = probe_context_of(preflight);
    bool counts = seen->newest.state == RUN_SUCCEEDED &&
        (preflight->target->migrates_only || seen->newest.id == seen->latest.id);
    if (!counts) {
        return SEEN_DONE;
    }
    if (seen->newest.elsewhere[0] != '\0') {
        memcpy(seen->stale_reason, seen->newest.elsewhere, sizeof seen->stale_reason);
        return SEEN_DONE;
    }
    enum session_result result =
        preflight_run_look(&preflight->run, &context, &seen->newest, seen->stale_reason);
    if (result == SESSION_DONE && seen->stale_reason[0] != '\0') {
        result = link_learn(preflight->link, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    }
    return link_judge(preflight->link, result, &preflight->link->session, error);
}

enum observation postgres_preflight_judge(struct postgres_preflight *preflight, const char *begun,
    struct preflight *found, struct error *error) {
    const struct probe_context context = probe_context_of(preflight);
    AUTO_PREFLIGHT_FINDINGS struct preflight_run_findings findings = {
        .begun = begun, .since = &preflight->latest};
    enum observation seen =
        link_judge(preflight->link, preflight_run_judge(&preflight->run, &context, &findings),
            &preflight->link->session, error);
    if (seen != SEEN_DONE) {
        return seen;
    }
    *found = findings.preflight;
    preflight->first = findings.first;
    memcpy(preflight->initialised, findings.initialised, sizeof preflight->initialised);
    if (findings.is_refused) {
        preflight_run_say_obstacles(&findings);
        *error = findings.error;
        return SEEN_REFUSED;
    }
    return SEEN_DONE;
}

void postgres_preflight_note(
    struct postgres_preflight *preflight, struct run *success, int64_t deadline_ms) {
    const struct probe_context context = probe_context_of(preflight);
    const struct steps_trace trace = {
        .migrate_wholly = preflight->target->migrates_wholly,
        .are_named = preflight->target->are_steps_named,
        .were_seen = preflight->were_steps_seen,
        .before = preflight->first,
    };
    if (link_insist(preflight->link, deadline_ms) == SESSION_DONE) {
        (void)!preflight_run_look_afterwards(
            &preflight->run, &context, &trace, success, deadline_ms);
    }
}
