/*
 * The actions, one function each. The trap is an action that fails half way: whatever it has come
 * to must be an observation that the table knows, never a decision of its own.
 */
#include "prepare/protocol/protocol_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/protocol/messages.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/random.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/report/report.h"

enum { FENCE_PAUSE_MS = 100, SETTLING_MS = 1000 };

/* kamal-proxy gives a new container 30 s; what is said must be read before they are over. */
enum { DEPLOY_WARNING_MS = 20000 };

static enum observation observe(enum coordination coordination) {
    switch (coordination) {
    case COORDINATION_DONE:
        return SEEN_DONE;
    case COORDINATION_HELD:
        return SEEN_LOCK_HELD;
    case COORDINATION_CROWDED:
        return SEEN_CROWDED;
    case COORDINATION_ELSEWHERE:
        return SEEN_ELSEWHERE;
    case COORDINATION_GONE:
        return SEEN_GONE;
    case COORDINATION_REFUSED:
        return SEEN_REFUSED;
    case COORDINATION_CANCELLED:
        return SEEN_CANCELLED;
    }
    return SEEN_REFUSED;
}

enum flight_purpose flight_purpose(const struct flight *flight) {
    switch (flight->request->purpose) {
    case PREPARE_NOTHING:
    case PREPARE_IF_DUE:
        break;
    case PREPARE_TYPED:
    case PREPARE_UNRECORDED:
        return FLIGHT_ALWAYS;
    case PREPARE_BY_OTHERS:
        return FLIGHT_TO_WAIT;
    }
    return FLIGHT_IF_DUE;
}

static enum observation look(struct flight *flight) {
    enum coordination result = flight->coordinator.operations->look(
        flight->coordinator.self, &flight->last, &flight->error);
    if (result != COORDINATION_DONE) {
        return observe(result);
    }
    if (!flight->has_looked) {
        flight->has_looked = true;
        flight->first = flight->last;
    }
    enum flight_purpose purpose = flight_purpose(flight);
    if (purpose == FLIGHT_TO_WAIT && !flight->last.has_ledger) {
        error_set(&flight->error, EXIT_STATUS_CONFIGURATION,
            "--prepare=wait has nothing to wait for: without a ledger nobody can say what is "
            "prepared");
        return SEEN_REFUSED;
    }
    enum observation seen =
        flight_observe(purpose, !flight->target->migrates_only, &flight->first, &flight->last);
    flight->rest_until_ms = seen == SEEN_TOO_SOON
        ? deadline_after_ms(flight_backoff_ms(flight->last.failures) - flight->last.newest.age_ms)
        : 0;
    return seen;
}

/* The first look may have been made before the holder wrote its row, so the first word about
 * waiting is left to the second pause: then it can say for whom. */
static enum observation pause_waiting(struct flight *flight) {
    int64_t now_ms = clock_now_ms();
    if (flight->waiting_since_ms == 0) {
        flight->waiting_since_ms = now_ms;
    }
    bool has_something_to_say = flight->waiting_since_ms != now_ms || flight->rest_until_ms != 0;
    if (has_something_to_say && now_ms >= flight->say_at_ms) {
        narrate_waiting(flight, now_ms);
    }
    int64_t waited_ms = now_ms - flight->waiting_since_ms;
    if (waited_ms >= flight->request->wait_timeout_ms) {
        return SEEN_TIMED_OUT;
    }
    int64_t pause_ms = flight->coordinator.operations->rest(
        flight->coordinator.self, flight_pause_ms(waited_ms, random_number()));
    int64_t left_ms = flight->request->wait_timeout_ms - waited_ms;
    struct attention attention = cancellation_attention(flight->cancellation);
    return attention_pause(
               &attention, deadline_later_ms(now_ms, deadline_earlier(pause_ms, left_ms)))
        ? SEEN_CANCELLED
        : SEEN_DONE;
}

static enum observation let_go(struct flight *flight) {
    flight->coordinator.operations->lock_release(flight->coordinator.self);
    return pause_waiting(flight);
}

static enum observation inspect(struct flight *flight) {
    return observe(flight->coordinator.operations->inspect(
        flight->coordinator.self, &flight->inspection, &flight->error));
}

static enum observation begin_run(struct flight *flight) {
    struct run dead;
    struct run_beginning beginning = {
        .is_recorded = flight->request->purpose != PREPARE_UNRECORDED,
        .initialises = flight->inspection.is_new,
    };
    enum coordination result = flight->coordinator.operations->run_begin(
        flight->coordinator.self, &beginning, &flight->run_id, &dead, &flight->error);
    if (dead.id != 0) {
        flight->settled_at_ms = deadline_after_ms(SETTLING_MS);
        struct event_fields fields = {.run = dead.id, .holder = dead.host};
        report(EVENT_RUNNER_DIED, &fields,
            "run %lld on %s began %s ago and never ended: its replica died; taking over",
            (long long)dead.id, dead.host, duration_describe(dead.age_ms).string);
    }
    if (result == COORDINATION_DONE) {
        narrate_beginning(flight);
    }
    return observe(result);
}

/* Waits a moment with both eyes open: for a signal, and on the lock. */
static enum observation pause_fencing(const struct flight *flight) {
    struct attention attention = cancellation_attention(flight->cancellation);
    if (attention_pause(&attention, deadline_after_ms(FENCE_PAUSE_MS))) {
        return SEEN_STEPS_STOPPED;
    }
    return flight->coordinator.operations->guard_holds(flight->coordinator.self) ? SEEN_DONE
                                                                                 : SEEN_LOCK_LOST;
}

/* A runner whose connection the server has ended learns of it a moment after everybody else: what
 * it still has to kill gets the time to be gone. */
static enum observation settle(const struct flight *flight) {
    enum observation seen = SEEN_DONE;
    while (seen == SEEN_DONE && clock_now_ms() < flight->settled_at_ms) {
        seen = pause_fencing(flight);
    }
    return seen;
}

static enum observation fence(struct flight *flight) {
    struct fence_report found = {.remaining = 1};
    int64_t say_at_ms = 0;
    enum observation seen = settle(flight);
    if (flight->fencing_since_ms == 0) {
        flight->fencing_since_ms = clock_now_ms();
    }
    while (seen == SEEN_DONE) {
        enum coordination result = flight->coordinator.operations->fence(
            flight->coordinator.self, true, &found, &flight->error);
        seen = result == COORDINATION_CANCELLED ? SEEN_STEPS_STOPPED : observe(result);
        if (seen != SEEN_DONE || found.remaining == 0) {
            break;
        }
        memcpy(flight->fenced_by, found.holder, sizeof flight->fenced_by);
        int64_t waited_ms = clock_now_ms() - flight->fencing_since_ms;
        narrate_fencing(&found, waited_ms, &say_at_ms);
        seen =
            waited_ms < flight->request->wait_timeout_ms ? pause_fencing(flight) : SEEN_TIMED_OUT;
    }
    if (seen == SEEN_STEPS_STOPPED) {
        flight->steps_end = (struct steps_end){.outcome = STEPS_STOPPED,
            .exit_status = EXIT_STATUS_SIGNAL_BASE + flight->cancellation->signal};
    } else if (seen == SEEN_TIMED_OUT) {
        flight->steps_end = (struct steps_end){
            .outcome = STEPS_NOT_BEGUN, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
    } else if (seen == SEEN_LOCK_LOST) {
        flight->steps_end = (struct steps_end){
            .outcome = STEPS_LOCK_LOST, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
    }
    return seen;
}

/* Names the steps for the fence, unless the user has named them. */
static void name_steps(const struct flight *flight, struct string_list *environment) {
    const char *assignment =
        flight->coordinator.operations->step_assignment(flight->coordinator.self);
    bool is_named = false;
    for (size_t i = 0; flight->environment[i] != NULL; i++) {
        is_named = is_named || string_has_prefix(flight->environment[i], "PGAPPNAME=");
        string_list_append(environment, flight->environment[i]);
    }
    if (!is_named && assignment != NULL) {
        string_list_append(environment, assignment);
    }
}

static enum observation run_steps(struct flight *flight) {
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    name_steps(flight, &environment);
    struct steps_request request = {
        .steps = flight->commands,
        .timeout_ms = flight->request->step_timeout_ms,
        .reads_input = flight_purpose(flight) == FLIGHT_ALWAYS,
        .environment = environment.items,
        .inheritance = flight->request->inheritance,
        .coordinator = &flight->coordinator,
        .cancellation = flight->cancellation,
        .grace_ms = flight->request->grace_ms,
        .last_lines = &flight->last_lines,
        .deploy_warning_at_ms = &flight->deploy_warning_at_ms,
    };
    flight->steps_end = steps_run(&request);
    if (flight->steps_end.outcome != STEPS_OK) {
        flight->coordinator.operations->fence_own(flight->coordinator.self);
    }
    switch (flight->steps_end.outcome) {
    case STEPS_OK:
        return SEEN_STEPS_OK;
    case STEPS_FAILED:
        return SEEN_STEPS_FAILED;
    case STEPS_DIED:
        return SEEN_STEPS_DIED;
    case STEPS_STOPPED:
        return SEEN_STEPS_STOPPED;
    case STEPS_LOCK_LOST:
        return SEEN_LOCK_LOST;
    case STEPS_NOT_BEGUN:
        return SEEN_TIMED_OUT;
    }
    return SEEN_STEPS_FAILED;
}

static enum run_state outcome_state(const struct flight *flight) {
    switch (flight->steps_end.outcome) {
    case STEPS_OK:
        return RUN_SUCCEEDED;
    case STEPS_FAILED:
        return RUN_FAILED;
    case STEPS_DIED:
        return flight_state_of_death(flight->last.deaths);
    case STEPS_STOPPED:
    case STEPS_LOCK_LOST:
    case STEPS_NOT_BEGUN:
        return RUN_INTERRUPTED;
    }
    return RUN_FAILED;
}

static void take_last_lines(const struct flight *flight, struct run *outcome) {
    AUTO_TEXT struct text rendered = {.data = NULL};
    AUTO_TEXT struct text step = {.data = NULL};
    last_lines_render(&flight->last_lines, flight->secrets, &rendered);
    secret_values_mask(flight->secrets, flight->steps_end.step, &step);
    (void)snprintf(outcome->output, sizeof outcome->output, "%s", text_string(&rendered));
    (void)snprintf(outcome->step, sizeof outcome->step, "%s", text_string(&step));
}

/* What recording came to: the outcome of the steps, unless somebody else has decided the run. */
static enum observation record_outcome(struct flight *flight) {
    struct run outcome = {
        .id = flight->run_id,
        .state = outcome_state(flight),
    };
    bool was_stopped = flight->steps_end.outcome == STEPS_STOPPED ||
        flight->steps_end.outcome == STEPS_LOCK_LOST ||
        flight->steps_end.outcome == STEPS_NOT_BEGUN;
    /* The status of a step that was stopped says nothing about the step. */
    outcome.exit_status = was_stopped ? 0 : flight->steps_end.exit_status;
    if (flight->steps_end.step != NULL) {
        take_last_lines(flight, &outcome);
    }
    enum coordination recorded =
        flight->coordinator.operations->run_end(flight->coordinator.self, &outcome, &flight->error);
    if (recorded == COORDINATION_ELSEWHERE) {
        return SEEN_ELSEWHERE;
    }
    switch (flight->steps_end.outcome) {
    case STEPS_OK:
        flight->prepared_here = true;
        return recorded == COORDINATION_DONE ? SEEN_SUCCEEDED : SEEN_STEPS_OK;
    case STEPS_FAILED:
    case STEPS_DIED:
        flight->last.newest = outcome;
        (void)snprintf(
            flight->last.newest.host, sizeof flight->last.newest.host, "%s", report_host());
        return outcome.state == RUN_FAILED ? SEEN_FAILED : SEEN_STEPS_DIED;
    case STEPS_STOPPED:
        return SEEN_STEPS_STOPPED;
    case STEPS_LOCK_LOST:
        return SEEN_LOCK_LOST;
    case STEPS_NOT_BEGUN:
        return SEEN_TIMED_OUT;
    }
    return SEEN_FAILED;
}

static enum observation act(struct flight *flight, enum flight_action action) {
    const struct coordinator_operations *operations = flight->coordinator.operations;
    switch (action) {
    case ACT_CONNECT:
        return observe(operations->connect(flight->coordinator.self, &flight->error));
    case ACT_LOOK:
        return look(flight);
    case ACT_TRY_LOCK:
        return observe(operations->lock_try(flight->coordinator.self, &flight->error));
    case ACT_PAUSE:
        return pause_waiting(flight);
    case ACT_LET_GO:
        return let_go(flight);
    case ACT_INSPECT:
        return inspect(flight);
    case ACT_BEGIN_RUN:
        return begin_run(flight);
    case ACT_FENCE:
        return fence(flight);
    case ACT_RUN_STEPS:
        return run_steps(flight);
    case ACT_RECORD_OUTCOME:
        return record_outcome(flight);
    case ACT_START:
    case ACT_START_UNRECORDED:
    case ACT_FAIL:
    case ACT_FAIL_ALONE:
    case ACT_GIVE_UP_WAITING:
    case ACT_GIVE_UP_LOCK:
    case ACT_REFUSE:
    case ACT_CANCEL:
        break;
    }
    return SEEN_REFUSED;
}

int flight_fly(struct flight *flight) {
    enum flight_state state = FLIGHT_CONNECTING;
    enum flight_action action = ACT_CONNECT;
    flight->deploy_warning_at_ms =
        getenv("KAMAL_VERSION") == NULL ? DEADLINE_NEVER : deadline_after_ms(DEPLOY_WARNING_MS);
    while (!flight_action_ends(action)) {
        enum observation observation = act(flight, action);
        if (action != ACT_PAUSE && action != ACT_LET_GO) {
            flight->is_crowded = observation == SEEN_CROWDED;
        }
        const struct flight_row *row = flight_next(state, observation);
        if (row == NULL) {
            report(EVENT_PREPARE_FAILED, NULL,
                "this is a bug in Signalbox: `%s` while %s; the server is not started",
                observation_name(observation), flight_state_name(state));
            return EXIT_STATUS_SYSTEM;
        }
        state = row->next;
        action = row->action;
    }
    /* Let go before the command starts: whoever waits may look at once. */
    flight->coordinator.operations->lock_release(flight->coordinator.self);
    flight->coordinator.operations->disconnect(flight->coordinator.self);
    return narrate_end(flight, action);
}
