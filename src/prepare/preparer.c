/*
 * The flight's pilot: carries out the actions of flight.c's table against a coordinator and tells
 * what happens. It decides nothing that the table decides.
 */
#include "signalbox/prepare/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "prepare/cancellation.h"
#include "prepare/flight.h"
#include "prepare/postgres_coordinator.h"
#include "prepare/steps.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/text.h"
#include "signalbox/process/ending.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

enum { SAY_EVERY_MS = 10000, FENCE_PAUSE_MS = 100, RAILS_ANSWER_MS = 120000 };

struct flight {
    const struct prepare_request *request;
    const struct target *target;
    struct coordinator coordinator;
    struct cancellation *cancellation;
    char *const *environment; /* For the steps. */
    bool has_looked;
    struct look first;
    struct look last;
    int64_t waiting_since_ms; /* 0 until the lock was first found held. */
    int64_t say_at_ms;
    int64_t run_id;
    struct steps_end steps_end;
    bool prepared_here;
    struct error error;
};

static enum observation observe(enum coordination coordination) {
    switch (coordination) {
    case COORDINATION_DONE:
        return SEEN_DONE;
    case COORDINATION_HELD:
        return SEEN_LOCK_HELD;
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

static enum flight_purpose purpose_of(const struct flight *flight) {
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
    enum flight_purpose purpose = purpose_of(flight);
    if (purpose == FLIGHT_TO_WAIT && !flight->last.has_ledger) {
        error_set(&flight->error, EXIT_STATUS_CONFIGURATION,
            "--prepare=wait has nothing to wait for: without a ledger nobody can say what is "
            "prepared");
        return SEEN_REFUSED;
    }
    return flight_observe(purpose, &flight->first, &flight->last);
}

static void say_waiting(struct flight *flight, int64_t now_ms) {
    const struct run *holder = &flight->last.holder;
    struct event_fields fields = {.elapsed_ms = now_ms - flight->waiting_since_ms};
    flight->say_at_ms = now_ms + SAY_EVERY_MS;
    if (holder->id == 0 && purpose_of(flight) == FLIGHT_TO_WAIT) {
        report(EVENT_WAITING, &fields,
            "nobody is preparing this content; waiting for a replica that does (%s so far)",
            duration_describe(fields.elapsed_ms).string);
        return;
    }
    if (holder->id == 0) {
        report(EVENT_WAITING, &fields, "another replica holds the lock; waiting (%s so far)",
            duration_describe(fields.elapsed_ms).string);
        return;
    }
    fields.holder = holder->host;
    fields.run = holder->id;
    report(EVENT_WAITING, &fields, "%s has been preparing for %s (run %lld); waiting", holder->host,
        duration_describe(holder->age_ms).string, (long long)holder->id);
}

/* The first look may have been made before the holder wrote its row, so the first word about
 * waiting is left to the second pause: then it can say for whom. */
static enum observation pause_waiting(struct flight *flight) {
    int64_t now_ms = clock_now_ms();
    uint32_t random = 0;
    if (flight->waiting_since_ms == 0) {
        flight->waiting_since_ms = now_ms;
    } else if (now_ms >= flight->say_at_ms) {
        say_waiting(flight, now_ms);
    }
    int64_t waited_ms = now_ms - flight->waiting_since_ms;
    if (waited_ms >= flight->request->wait_timeout_ms) {
        return SEEN_TIMED_OUT;
    }
    /* Without randomness the replicas only drift apart less. */
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    struct attention attention = cancellation_attention(flight->cancellation);
    return attention_pause(&attention, now_ms + flight_pause_ms(waited_ms, random)) ? SEEN_CANCELLED
                                                                                    : SEEN_DONE;
}

static enum observation begin_run(struct flight *flight) {
    struct run dead;
    enum coordination result = flight->coordinator.operations->run_begin(flight->coordinator.self,
        flight->request->purpose != PREPARE_UNRECORDED, &flight->run_id, &dead, &flight->error);
    if (dead.id != 0) {
        struct event_fields fields = {.run = dead.id, .holder = dead.host};
        report(EVENT_RUNNER_DIED, &fields,
            "run %lld on %s began %s ago and never ended: its replica died; taking over",
            (long long)dead.id, dead.host, duration_describe(dead.age_ms).string);
    }
    if (result == COORDINATION_DONE) {
        struct event_fields fields = {.run = flight->run_id};
        report(EVENT_LOCK_TAKEN, &fields, "took the lock (key %lld)%s",
            (long long)flight->target->lock_key,
            purpose_of(flight) == FLIGHT_IF_DUE && flight->target->has_fingerprint
                ? ": this content is not prepared yet"
                : "");
    }
    return observe(result);
}

static void say_fencing(const struct fence_report *found, int64_t *say_at_ms) {
    if (found->ended > 0) {
        report(EVENT_FENCED, NULL,
            "ended %d statement%s that an earlier run had left at work in the server", found->ended,
            found->ended == 1 ? "" : "s");
    }
    if (found->holder[0] != '\0' && clock_now_ms() >= *say_at_ms) {
        *say_at_ms = clock_now_ms() + SAY_EVERY_MS;
        report(EVENT_WAITING, NULL, "waiting for %s, before the first step", found->holder);
    }
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

static enum observation fence(struct flight *flight) {
    struct fence_report found = {.remaining = 1};
    int64_t say_at_ms = 0;
    enum observation seen = SEEN_DONE;
    while (seen == SEEN_DONE) {
        enum coordination result = flight->coordinator.operations->fence(
            flight->coordinator.self, true, &found, &flight->error);
        seen = result == COORDINATION_CANCELLED ? SEEN_STEPS_STOPPED : observe(result);
        if (seen != SEEN_DONE || found.remaining == 0) {
            break;
        }
        say_fencing(&found, &say_at_ms);
        seen = pause_fencing(flight);
    }
    if (seen == SEEN_STEPS_STOPPED) {
        flight->steps_end = (struct steps_end){.outcome = STEPS_STOPPED,
            .exit_status = EXIT_STATUS_SIGNAL_BASE + flight->cancellation->signal};
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
        .steps = flight->request->commands,
        .timeout_ms = flight->request->step_timeout_ms,
        .environment = environment.items,
        .inheritance = flight->request->inheritance,
        .coordinator = &flight->coordinator,
        .cancellation = flight->cancellation,
        .grace_ms = flight->request->grace_ms,
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
    case STEPS_STOPPED:
        return SEEN_STEPS_STOPPED;
    case STEPS_LOCK_LOST:
        return SEEN_LOCK_LOST;
    }
    return SEEN_STEPS_FAILED;
}

static enum run_state outcome_state(enum steps_outcome outcome) {
    switch (outcome) {
    case STEPS_OK:
        return RUN_SUCCEEDED;
    case STEPS_FAILED:
        return RUN_FAILED;
    case STEPS_STOPPED:
    case STEPS_LOCK_LOST:
        return RUN_INTERRUPTED;
    }
    return RUN_FAILED;
}

/* What recording came to: the outcome of the steps, unless somebody else has decided the run. */
static enum observation record_outcome(struct flight *flight) {
    struct run outcome = {
        .id = flight->run_id,
        .state = outcome_state(flight->steps_end.outcome),
        .exit_status = flight->steps_end.exit_status,
    };
    if (flight->steps_end.step != NULL) {
        (void)snprintf(outcome.step, sizeof outcome.step, "%s", flight->steps_end.step);
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
        flight->last.newest = outcome;
        (void)snprintf(
            flight->last.newest.host, sizeof flight->last.newest.host, "%s", report_host());
        return SEEN_FAILED;
    case STEPS_STOPPED:
        return SEEN_STEPS_STOPPED;
    case STEPS_LOCK_LOST:
        return SEEN_LOCK_LOST;
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
    case ACT_GIVE_UP_WAITING:
    case ACT_GIVE_UP_LOCK:
    case ACT_REFUSE:
    case ACT_CANCEL:
        break;
    }
    return SEEN_REFUSED;
}

static int fail(const struct flight *flight) {
    const struct run *run = &flight->last.newest;
    int exit_status = run->exit_status == 0 ? EXIT_STATUS_SYSTEM : run->exit_status;
    struct event_fields fields = {
        .run = run->id,
        .holder = run->host,
        .step = run->step[0] == '\0' ? NULL : run->step,
        .has_exit_status = true,
        .exit_status = exit_status,
    };
    report(EVENT_PREPARE_FAILED, &fields,
        "run %lld on %s failed with status %d in `%s`: the server is not started",
        (long long)run->id, run->host, exit_status, run->step);
    return exit_status;
}

static void say_prepared(const struct flight *flight) {
    const struct run *run = &flight->last.newest;
    if (flight->prepared_here && flight->run_id == 0) {
        report(EVENT_PREPARED, NULL, "done, without a record in the ledger");
        return;
    }
    if (flight->prepared_here) {
        struct event_fields fields = {.run = flight->run_id};
        report(EVENT_PREPARED, &fields, "prepared (run %lld)", (long long)flight->run_id);
        return;
    }
    struct event_fields fields = {.run = run->id, .holder = run->host};
    report(EVENT_ALREADY_PREPARED, &fields, "already prepared by run %lld on %s, %s ago",
        (long long)run->id, run->host, duration_describe(run->age_ms).string);
}

/* The end of the flight as an exit status, said in one line. */
static int conclude(const struct flight *flight, enum flight_action action) {
    switch (action) {
    case ACT_START:
        say_prepared(flight);
        return EXIT_STATUS_SUCCESS;
    case ACT_START_UNRECORDED:
        report(EVENT_LEDGER_UNAVAILABLE, NULL,
            "prepared, but the ledger could not be written: the next replica runs again");
        return EXIT_STATUS_SUCCESS;
    case ACT_FAIL:
        return fail(flight);
    case ACT_GIVE_UP_WAITING:
        report(EVENT_PREPARE_FAILED, NULL,
            "waited %s for another replica to prepare: the server is not started (--wait-timeout)",
            duration_describe(flight->request->wait_timeout_ms).string);
        return EXIT_STATUS_WAITED_TOO_LONG;
    case ACT_GIVE_UP_LOCK:
        report(EVENT_PREPARE_FAILED, NULL,
            "the lock was lost while preparing: the server is not started");
        return EXIT_STATUS_WAITED_TOO_LONG;
    case ACT_REFUSE:
        report(EVENT_DATABASE_REFUSED, NULL, "%s", flight->error.text);
        return flight->error.exit_status;
    case ACT_CANCEL:
        report(EVENT_CANCELLED, NULL, "%s while preparing: the server is not started",
            signal_name(flight->cancellation->signal));
        return EXIT_STATUS_SIGNAL_BASE + flight->cancellation->signal;
    case ACT_CONNECT:
    case ACT_LOOK:
    case ACT_TRY_LOCK:
    case ACT_PAUSE:
    case ACT_BEGIN_RUN:
    case ACT_FENCE:
    case ACT_RUN_STEPS:
    case ACT_RECORD_OUTCOME:
        break;
    }
    return EXIT_STATUS_SYSTEM;
}

static int fly(struct flight *flight) {
    enum flight_state state = FLIGHT_CONNECTING;
    enum flight_action action = ACT_CONNECT;
    while (!flight_action_ends(action)) {
        enum observation observation = act(flight, action);
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
    return conclude(flight, action);
}

/* The steps see what the container gave us, with the environment's name that the command has; what
 * the preparer sets for itself alone is not among it. A name that nobody gave is left to Rails: a
 * secrets tool around the step may know better. */
static void copy_environment(const struct target_request *target, struct string_list *copy) {
    bool is_named = strcmp(target->environment_source, "default") != 0;
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (!is_named || !string_has_prefix(environ[i], "RAILS_ENV=")) {
            string_list_append(copy, environ[i]);
        }
    }
    if (is_named) {
        AUTO_TEXT struct text name = {.data = NULL};
        text_append_format(&name, "RAILS_ENV=%s", target->environment);
        string_list_append(copy, text_string(&name));
    }
}

static void report_target(const struct target *target) {
    if (target->has_fingerprint) {
        report_set_fingerprint(target->fingerprint);
        return;
    }
    report(EVENT_NO_FINGERPRINT, NULL,
        "the Rails environment is %s (%s): every replica runs the steps in its turn",
        target->environment, target->environment_source);
}

/* What is not known without Rails is asked now, while a signal is still heeded. */
static int complete_target(const struct prepare_request *request, struct target *target,
    struct cancellation *cancellation, struct error *error) {
    /* By now with what the command's own wrappers change, since none is put before the asking. */
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct attention attention = cancellation_attention(cancellation);
    struct rails_question question = {
        .directory = request->target.directory,
        .inheritance = request->inheritance,
        .attention = &attention,
        .timeout_ms = RAILS_ANSWER_MS,
    };
    if (target->database != NULL) {
        return 0;
    }
    copy_environment(&request->target, &environment);
    question.environment = environment.items;
    return target_ask_rails(target, &question, error);
}

static int give_up(const struct cancellation *cancellation, const struct error *error) {
    if (cancellation->signal != 0) {
        report(EVENT_CANCELLED, NULL, "%s while asking Rails: the server is not started",
            signal_name(cancellation->signal));
        return EXIT_STATUS_SIGNAL_BASE + cancellation->signal;
    }
    report(EVENT_CONFIGURATION, NULL, "%s: the server is not started", error->text);
    return error->exit_status;
}

int prepare_run(void *argument) {
    const struct prepare_request *request = argument;
    struct error error;
    struct target target;
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct cancellation cancellation = {.signal_fd = signals_open(&error)};
    if (cancellation.signal_fd < 0) {
        report(EVENT_PREPARE_FAILED, NULL, "%s", error.text);
        return error.exit_status;
    }
    (void)subreaper_set(true);
    copy_environment(&request->target, &environment);
    bool is_complete = target_make(&request->target, &target, &error) == 0 &&
        complete_target(request, &target, &cancellation, &error) == 0;
    if (!is_complete) {
        target_release(&target);
        return give_up(&cancellation, &error);
    }
    if (request->purpose == PREPARE_BY_OTHERS) {
        target.missing_database = MISSING_IS_AWAITED;
    }
    session_find_certificates();
    report_target(&target);

    struct attention attention = cancellation_attention(&cancellation);
    struct postgres_coordinator postgres;
    postgres_coordinator_initialise(
        &postgres, &target, &attention, request->connect_timeout_ms, request->release_label);
    struct flight flight = {
        .request = request,
        .target = &target,
        .coordinator = postgres_coordinator_interface(&postgres),
        .cancellation = &cancellation,
        .environment = environment.items,
    };
    int exit_status = fly(&flight);
    target_release(&target);
    (void)close(cancellation.signal_fd);
    return exit_status;
}
