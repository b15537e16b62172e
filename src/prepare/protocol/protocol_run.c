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

static enum observation observe(enum backend_result backend_result) {
    switch (backend_result) {
    case BACKEND_DONE:
        return SEEN_DONE;
    case BACKEND_HELD:
        return SEEN_LOCK_HELD;
    case BACKEND_CROWDED:
        return SEEN_CROWDED;
    case BACKEND_ELSEWHERE:
        return SEEN_ELSEWHERE;
    case BACKEND_GONE:
        return SEEN_GONE;
    case BACKEND_REFUSED:
        return SEEN_REFUSED;
    case BACKEND_CANCELLED:
        return SEEN_CANCELLED;
    }
    return SEEN_REFUSED;
}

enum protocol_purpose protocol_run_purpose(const struct protocol *protocol) {
    switch (protocol->request->purpose) {
    case PREPARE_NOTHING:
    case PREPARE_IF_DUE:
        break;
    case PREPARE_TYPED:
    case PREPARE_UNRECORDED:
        return PROTOCOL_ALWAYS;
    case PREPARE_BY_OTHERS:
        return PROTOCOL_TO_WAIT;
    }
    return PROTOCOL_IF_DUE;
}

static enum observation look(struct protocol *protocol) {
    enum backend_result result = protocol->backend.operations->look(
        protocol->backend.self, &protocol->last, &protocol->error);
    if (result != BACKEND_DONE) {
        return observe(result);
    }
    if (!protocol->has_looked) {
        protocol->has_looked = true;
        protocol->first = protocol->last;
    }
    enum protocol_purpose purpose = protocol_run_purpose(protocol);
    if (purpose == PROTOCOL_TO_WAIT && !protocol->last.has_ledger) {
        error_set(&protocol->error, EXIT_STATUS_CONFIGURATION,
            "--prepare=wait has nothing to wait for: without a ledger nobody can say what is "
            "prepared");
        return SEEN_REFUSED;
    }
    enum observation seen = protocol_observe(
        purpose, !protocol->target->migrates_only, &protocol->first, &protocol->last);
    protocol->rest_until_ms = seen == SEEN_TOO_SOON
        ? deadline_after_ms(
              protocol_backoff_ms(protocol->last.failures) - protocol->last.newest.age_ms)
        : 0;
    return seen;
}

/* The first look may have been made before the holder wrote its row, so the first word about
 * waiting is left to the second pause: then it can say for whom. */
static enum observation pause_waiting(struct protocol *protocol) {
    int64_t now_ms = clock_now_ms();
    if (protocol->waiting_since_ms == 0) {
        protocol->waiting_since_ms = now_ms;
    }
    bool has_something_to_say =
        protocol->waiting_since_ms != now_ms || protocol->rest_until_ms != 0;
    if (has_something_to_say && now_ms >= protocol->say_at_ms) {
        messages_waiting(protocol, now_ms);
    }
    int64_t waited_ms = now_ms - protocol->waiting_since_ms;
    if (waited_ms >= protocol->request->wait_timeout_ms) {
        return SEEN_TIMED_OUT;
    }
    int64_t pause_ms = protocol->backend.operations->rest(
        protocol->backend.self, protocol_pause_ms(waited_ms, random_number()));
    int64_t left_ms = protocol->request->wait_timeout_ms - waited_ms;
    struct interrupt interrupt = stop_request_interrupt(protocol->stop_request);
    return interrupt_pause(
               &interrupt, deadline_later_ms(now_ms, deadline_earlier(pause_ms, left_ms)))
        ? SEEN_CANCELLED
        : SEEN_DONE;
}

static enum observation let_go(struct protocol *protocol) {
    protocol->backend.operations->lock_release(protocol->backend.self);
    return pause_waiting(protocol);
}

static enum observation preflight(struct protocol *protocol) {
    return observe(protocol->backend.operations->preflight(
        protocol->backend.self, &protocol->preflight, &protocol->error));
}

static enum observation begin_run(struct protocol *protocol) {
    struct run dead;
    struct run_beginning beginning = {
        .is_recorded = protocol->request->purpose != PREPARE_UNRECORDED,
        .initialises = protocol->preflight.is_new,
    };
    enum backend_result result = protocol->backend.operations->run_begin(
        protocol->backend.self, &beginning, &protocol->run_id, &dead, &protocol->error);
    if (dead.id != 0) {
        protocol->settled_at_ms = deadline_after_ms(SETTLING_MS);
        struct event_fields fields = {.run = dead.id, .holder = dead.host};
        report(EVENT_RUNNER_DIED, &fields,
            "run %lld on %s began %s ago and never ended: its replica died; taking over",
            (long long)dead.id, dead.host, duration_describe(dead.age_ms).string);
    }
    if (result == BACKEND_DONE) {
        messages_beginning(protocol);
    }
    return observe(result);
}

/* Waits a moment with both eyes open: for a signal, and on the lock. */
static enum observation pause_fencing(const struct protocol *protocol) {
    struct interrupt interrupt = stop_request_interrupt(protocol->stop_request);
    if (interrupt_pause(&interrupt, deadline_after_ms(FENCE_PAUSE_MS))) {
        return SEEN_STEPS_STOPPED;
    }
    return protocol->backend.operations->guard_holds(protocol->backend.self) ? SEEN_DONE
                                                                             : SEEN_LOCK_LOST;
}

/* A runner whose connection the server has ended learns of it a moment after everybody else: what
 * it still has to kill gets the time to be gone. */
static enum observation settle(const struct protocol *protocol) {
    enum observation seen = SEEN_DONE;
    while (seen == SEEN_DONE && clock_now_ms() < protocol->settled_at_ms) {
        seen = pause_fencing(protocol);
    }
    return seen;
}

static enum observation fence(struct protocol *protocol) {
    struct fence_report found = {.remaining = 1};
    int64_t say_at_ms = 0;
    enum observation seen = settle(protocol);
    if (protocol->fencing_since_ms == 0) {
        protocol->fencing_since_ms = clock_now_ms();
    }
    while (seen == SEEN_DONE) {
        enum backend_result result = protocol->backend.operations->fence(
            protocol->backend.self, true, &found, &protocol->error);
        seen = result == BACKEND_CANCELLED ? SEEN_STEPS_STOPPED : observe(result);
        if (seen != SEEN_DONE || found.remaining == 0) {
            break;
        }
        memcpy(protocol->fenced_by, found.holder, sizeof protocol->fenced_by);
        int64_t waited_ms = clock_now_ms() - protocol->fencing_since_ms;
        messages_fencing(&found, waited_ms, &say_at_ms);
        seen = waited_ms < protocol->request->wait_timeout_ms ? pause_fencing(protocol)
                                                              : SEEN_TIMED_OUT;
    }
    if (seen == SEEN_STEPS_STOPPED) {
        protocol->steps_end = (struct steps_end){.outcome = STEPS_STOPPED,
            .exit_status = EXIT_STATUS_SIGNAL_BASE + protocol->stop_request->signal};
    } else if (seen == SEEN_TIMED_OUT) {
        protocol->steps_end = (struct steps_end){
            .outcome = STEPS_NOT_BEGUN, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
    } else if (seen == SEEN_LOCK_LOST) {
        protocol->steps_end = (struct steps_end){
            .outcome = STEPS_LOCK_LOST, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
    }
    return seen;
}

/* Names the steps for the fence, unless the user has named them. */
static void name_steps(const struct protocol *protocol, struct string_list *environment) {
    const char *assignment = protocol->backend.operations->step_assignment(protocol->backend.self);
    bool is_named = false;
    for (size_t i = 0; protocol->environment[i] != NULL; i++) {
        is_named = is_named || string_has_prefix(protocol->environment[i], "PGAPPNAME=");
        string_list_append(environment, protocol->environment[i]);
    }
    if (!is_named && assignment != NULL) {
        string_list_append(environment, assignment);
    }
}

static enum observation run_steps(struct protocol *protocol) {
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    name_steps(protocol, &environment);
    struct steps_request request = {
        .steps = protocol->commands,
        .timeout_ms = protocol->request->step_timeout_ms,
        .reads_input = protocol_run_purpose(protocol) == PROTOCOL_ALWAYS,
        .environment = environment.items,
        .inheritance = protocol->request->inheritance,
        .backend = &protocol->backend,
        .stop_request = protocol->stop_request,
        .grace_ms = protocol->request->grace_ms,
        .output_tail = &protocol->output_tail,
        .deploy_warning_at_ms = &protocol->deploy_warning_at_ms,
    };
    protocol->steps_end = steps_run(&request);
    if (protocol->steps_end.outcome != STEPS_OK) {
        protocol->backend.operations->fence_own(protocol->backend.self);
    }
    switch (protocol->steps_end.outcome) {
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

static enum run_state outcome_state(const struct protocol *protocol) {
    switch (protocol->steps_end.outcome) {
    case STEPS_OK:
        return RUN_SUCCEEDED;
    case STEPS_FAILED:
        return RUN_FAILED;
    case STEPS_DIED:
        return protocol_state_of_death(protocol->last.deaths);
    case STEPS_STOPPED:
    case STEPS_LOCK_LOST:
    case STEPS_NOT_BEGUN:
        return RUN_INTERRUPTED;
    }
    return RUN_FAILED;
}

static void keep_output_tail(const struct protocol *protocol, struct run *outcome) {
    AUTO_TEXT struct text rendered = {.data = NULL};
    AUTO_TEXT struct text step = {.data = NULL};
    output_tail_render(&protocol->output_tail, protocol->secrets, &rendered);
    secret_values_mask(protocol->secrets, protocol->steps_end.step, &step);
    (void)snprintf(outcome->output, sizeof outcome->output, "%s", text_string(&rendered));
    (void)snprintf(outcome->step, sizeof outcome->step, "%s", text_string(&step));
}

/* What recording came to: the outcome of the steps, unless somebody else has decided the run. */
static enum observation record_outcome(struct protocol *protocol) {
    struct run outcome = {
        .id = protocol->run_id,
        .state = outcome_state(protocol),
    };
    bool was_stopped = protocol->steps_end.outcome == STEPS_STOPPED ||
        protocol->steps_end.outcome == STEPS_LOCK_LOST ||
        protocol->steps_end.outcome == STEPS_NOT_BEGUN;
    /* The status of a step that was stopped says nothing about the step. */
    outcome.exit_status = was_stopped ? 0 : protocol->steps_end.exit_status;
    if (protocol->steps_end.step != NULL) {
        keep_output_tail(protocol, &outcome);
    }
    enum backend_result recorded =
        protocol->backend.operations->run_end(protocol->backend.self, &outcome, &protocol->error);
    if (recorded == BACKEND_ELSEWHERE) {
        return SEEN_ELSEWHERE;
    }
    switch (protocol->steps_end.outcome) {
    case STEPS_OK:
        protocol->prepared_here = true;
        return recorded == BACKEND_DONE ? SEEN_SUCCEEDED : SEEN_STEPS_OK;
    case STEPS_FAILED:
    case STEPS_DIED:
        protocol->last.newest = outcome;
        (void)snprintf(
            protocol->last.newest.host, sizeof protocol->last.newest.host, "%s", report_host());
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

static enum observation act(struct protocol *protocol, enum protocol_action action) {
    const struct backend_operations *operations = protocol->backend.operations;
    switch (action) {
    case ACT_CONNECT:
        return observe(operations->connect(protocol->backend.self, &protocol->error));
    case ACT_LOOK:
        return look(protocol);
    case ACT_TRY_LOCK:
        return observe(operations->lock_try(protocol->backend.self, &protocol->error));
    case ACT_PAUSE:
        return pause_waiting(protocol);
    case ACT_LET_GO:
        return let_go(protocol);
    case ACT_INSPECT:
        return preflight(protocol);
    case ACT_BEGIN_RUN:
        return begin_run(protocol);
    case ACT_FENCE:
        return fence(protocol);
    case ACT_RUN_STEPS:
        return run_steps(protocol);
    case ACT_RECORD_OUTCOME:
        return record_outcome(protocol);
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

int protocol_run(struct protocol *protocol) {
    enum protocol_state state = PROTOCOL_CONNECTING;
    enum protocol_action action = ACT_CONNECT;
    protocol->deploy_warning_at_ms =
        getenv("KAMAL_VERSION") == NULL ? DEADLINE_NEVER : deadline_after_ms(DEPLOY_WARNING_MS);
    while (!protocol_action_ends(action)) {
        enum observation observation = act(protocol, action);
        if (action != ACT_PAUSE && action != ACT_LET_GO) {
            protocol->is_crowded = observation == SEEN_CROWDED;
        }
        const struct protocol_row *row = protocol_next(state, observation);
        if (row == NULL) {
            report(EVENT_PREPARE_FAILED, NULL,
                "this is a bug in Signalbox: `%s` while %s; the server is not started",
                protocol_observation_name(observation), protocol_state_name(state));
            return EXIT_STATUS_SYSTEM;
        }
        state = row->next;
        action = row->action;
    }
    /* Let go before the command starts: whoever waits may look at once. */
    protocol->backend.operations->lock_release(protocol->backend.self);
    protocol->backend.operations->disconnect(protocol->backend.self);
    return messages_end(protocol, action);
}
