/*
 * Between the backend and the preflight. The trap is the reader, which the preflight hangs up
 * where it waits for another database: whoever goes on to the lock needs it again.
 */
#include "prepare/postgres/postgres_preflight.h"

#include <string.h>

#include "prepare/postgres/connect.h"
#include "prepare/postgres/failure_policy.h"
#include "prepare/postgres/ledger.h"
#include "prepare/preflight/preflight_run.h"
#include "signalbox/base/deadline.h"

enum { STATEMENT_TIMEOUT_MS = 30000 };

static struct probe_context probe_context_of(struct postgres_backend *backend) {
    return (struct probe_context){
        .reader = &backend->reader,
        .lock = &backend->lock,
        .tend = lock_is_taken(&backend->lock) ? lock_holds : NULL,
        .interrupt = backend->interrupt,
    };
}

/* Where the steps are not only migrations, the last success of this lock key alone counts. */
enum observation postgres_preflight_look(
    struct postgres_backend *backend, struct look *seen, struct error *error) {
    const struct probe_context context = probe_context_of(backend);
    bool counts = seen->newest.state == RUN_SUCCEEDED &&
        (backend->target->migrates_only || seen->newest.id == seen->latest.id);
    if (!counts) {
        return SEEN_DONE;
    }
    if (seen->newest.elsewhere[0] != '\0') {
        memcpy(seen->stale_reason, seen->newest.elsewhere, sizeof seen->stale_reason);
        return SEEN_DONE;
    }
    enum session_result result =
        preflight_run_look(&backend->preflight_run, &context, &seen->newest, seen->stale_reason);
    if (result == SESSION_DONE && seen->stale_reason[0] != '\0') {
        result = connect_and_learn(backend, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    }
    return failure_policy_session(backend, result, &backend->reader, error);
}

enum session_result postgres_preflight_find_begun(struct postgres_backend *backend, char **begun) {
    *begun = NULL;
    return backend->has_ledger ? ledger_begun(&backend->ledger, &backend->reader, begun,
                                     deadline_after_ms(STATEMENT_TIMEOUT_MS))
                               : SESSION_DONE;
}

enum observation postgres_preflight_judge(struct postgres_backend *backend, const char *begun,
    struct preflight *found, struct error *error) {
    const struct probe_context context = probe_context_of(backend);
    AUTO_PREFLIGHT_FINDINGS struct preflight_run_findings findings = {
        .begun = begun, .since = &backend->latest};
    enum observation seen = failure_policy_session(backend,
        preflight_run_judge(&backend->preflight_run, &context, &findings), &backend->reader, error);
    if (seen != SEEN_DONE) {
        return seen;
    }
    *found = findings.preflight;
    backend->first = findings.first;
    memcpy(backend->initialised, findings.initialised, sizeof backend->initialised);
    if (findings.is_refused) {
        preflight_run_say_obstacles(&findings);
        *error = findings.error;
        return SEEN_REFUSED;
    }
    return SEEN_DONE;
}

void postgres_preflight_note(
    struct postgres_backend *backend, struct run *success, int64_t deadline_ms) {
    const struct probe_context context = probe_context_of(backend);
    const struct steps_trace trace = {
        .migrate_wholly = backend->target->migrates_wholly,
        .are_named = backend->target->are_steps_named,
        .were_seen = backend->were_steps_seen,
        .before = backend->first,
    };
    if (connect_reader_patiently(backend, deadline_ms) == SESSION_DONE) {
        (void)!preflight_run_look_afterwards(
            &backend->preflight_run, &context, &trace, success, deadline_ms);
    }
}
