/*
 * Between the coordinator and the inspector. The trap is the reader, which the inspector hangs up
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

static struct inspector_means means_of(struct postgres_coordinator *coordinator) {
    return (struct inspector_means){
        .reader = &coordinator->reader,
        .lock = &coordinator->lock,
        .tend = lock_is_taken(&coordinator->lock) ? lock_holds : NULL,
        .attention = coordinator->attention,
    };
}

/* Where the steps are not only migrations, the last success of this lock key alone counts. */
enum coordination inspecting_look(
    struct postgres_coordinator *coordinator, struct look *seen, struct error *error) {
    const struct inspector_means means = means_of(coordinator);
    bool counts = seen->newest.state == RUN_SUCCEEDED &&
        (coordinator->target->migrates_only || seen->newest.id == seen->latest.id);
    if (!counts) {
        return COORDINATION_DONE;
    }
    if (seen->newest.elsewhere[0] != '\0') {
        memcpy(seen->doubt, seen->newest.elsewhere, sizeof seen->doubt);
        return COORDINATION_DONE;
    }
    enum session_result result =
        inspector_look(&coordinator->inspector, &means, &seen->newest, seen->doubt);
    if (result == SESSION_DONE && seen->doubt[0] != '\0') {
        result = connect_and_learn(coordinator, deadline_after_ms(STATEMENT_TIMEOUT_MS));
    }
    return conclude(coordinator, result, &coordinator->reader, error);
}

enum session_result inspecting_find_begun(struct postgres_coordinator *coordinator, char **begun) {
    *begun = NULL;
    return coordinator->has_ledger ? ledger_begun(&coordinator->ledger, &coordinator->reader, begun,
                                         deadline_after_ms(STATEMENT_TIMEOUT_MS))
                                   : SESSION_DONE;
}

enum coordination inspecting_judge(struct postgres_coordinator *coordinator, const char *begun,
    struct inspection *found, struct error *error) {
    const struct inspector_means means = means_of(coordinator);
    AUTO_FINDINGS struct inspector_findings findings = {
        .begun = begun, .since = &coordinator->latest};
    enum coordination concluded = conclude(coordinator,
        inspector_judge(&coordinator->inspector, &means, &findings), &coordinator->reader, error);
    if (concluded != COORDINATION_DONE) {
        return concluded;
    }
    *found = findings.inspection;
    coordinator->first = findings.first;
    memcpy(coordinator->initialised, findings.initialised, sizeof coordinator->initialised);
    if (findings.is_refused) {
        inspector_say_obstacles(&findings);
        *error = findings.error;
        return COORDINATION_REFUSED;
    }
    return COORDINATION_DONE;
}

void inspecting_note(
    struct postgres_coordinator *coordinator, struct run *success, int64_t deadline_ms) {
    const struct inspector_means means = means_of(coordinator);
    const struct steps_trace trace = {
        .migrate_wholly = coordinator->target->migrates_wholly,
        .are_named = coordinator->target->are_steps_named,
        .were_seen = coordinator->were_steps_seen,
        .before = coordinator->first,
    };
    if (connect_reader_patiently(coordinator, deadline_ms) == SESSION_DONE) {
        (void)!inspector_look_afterwards(
            &coordinator->inspector, &means, &trace, success, deadline_ms);
    }
}
