/*
 * The actions, one function each. An action that fails half way gives an observation that the table
 * knows, and decides nothing itself.
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
#include "signalbox/prepare/hook.h"
#include "signalbox/report/report.h"

enum { FENCE_PAUSE_MS = 100, SETTLING_MS = 1000 };

/* kamal-proxy gives a new container 30 s; what is said must be read before they are over. */
enum { DEPLOY_WARNING_MS = 20000 };

static enum observation look(struct protocol *protocol) {
    enum observation result = protocol->backend.operations->look(
        protocol->backend.self, &protocol->last, &protocol->error);
    if (result != SEEN_DONE) {
        return result;
    }
    if (!protocol->has_looked) {
        protocol->has_looked = true;
        protocol->first = protocol->last;
    }
    enum prepare_purpose purpose = protocol->request->purpose;
    if (purpose == PREPARE_BY_OTHERS && !protocol->last.has_ledger) {
        error_set(&protocol->error, EXIT_STATUS_CONFIGURATION,
            "--prepare=wait has nothing to wait for: without a ledger it is not known what is "
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

static enum observation preflight(struct protocol *protocol) {
    return protocol->backend.operations->preflight(
        protocol->backend.self, &protocol->preflight, &protocol->error);
}

static enum observation begin_run(struct protocol *protocol) {
    struct run dead;
    struct run_beginning beginning = {
        .is_recorded = protocol->request->purpose != PREPARE_UNRECORDED,
        .initialises = protocol->preflight.is_new,
    };
    protocol->began_ms = clock_now_ms();
    enum observation result = protocol->backend.operations->run_begin(
        protocol->backend.self, &beginning, &protocol->run_id, &dead, &protocol->error);
    if (dead.id != 0) {
        protocol->settled_at_ms = deadline_after_ms(SETTLING_MS);
        struct event_fields fields = {.run = dead.id, .holder = dead.host};
        report(EVENT_RUNNER_DIED, &fields,
            "run %lld on %s began %s ago and never ended: its replica died; taking over",
            (long long)dead.id, dead.host, duration_describe(dead.age_ms).string);
    }
    if (result == SEEN_DONE) {
        messages_beginning(protocol);
    }
    return result;
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
        enum observation result = protocol->backend.operations->fence(
            protocol->backend.self, true, &found, &protocol->error);
        seen = result == SEEN_CANCELLED ? SEEN_STEPS_STOPPED : result;
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
        protocol->steps_end = (struct steps_end){.seen = SEEN_STEPS_STOPPED,
            .exit_status = EXIT_STATUS_SIGNAL_BASE + protocol->stop_request->signal};
    } else if (seen == SEEN_TIMED_OUT) {
        protocol->steps_end =
            (struct steps_end){.seen = SEEN_TIMED_OUT, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
    } else if (seen == SEEN_LOCK_LOST) {
        protocol->steps_end =
            (struct steps_end){.seen = SEEN_LOCK_LOST, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
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

/* Whoever sets --step-retries has the steps in mind. Another command that somebody types, such as
 * db:rollback STEP=2, need not stand being run twice from its beginning. */
static int find_retries(const struct protocol *protocol) {
    bool is_foreign = protocol->request->purpose == PREPARE_UNRECORDED &&
        !protocol->target->commands_only_migrate;
    return is_foreign ? 0 : protocol->request->step_retries;
}

static enum observation run_steps(struct protocol *protocol) {
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    name_steps(protocol, &environment);
    struct steps_request request = {
        .steps = protocol->commands,
        .timeout_ms = protocol->request->step_timeout_ms,
        .retries = find_retries(protocol),
        .lock_timeout_ms = protocol->target->lock_timeout_ms,
        .are_looks_dear = protocol->target->password_command != NULL,
        .reads_input = purpose_is_command(protocol->request->purpose),
        .environment = environment.items,
        .inheritance = protocol->request->inheritance,
        .backend = &protocol->backend,
        .stop_request = protocol->stop_request,
        .grace_ms = protocol->request->grace_ms,
        .output_tail = &protocol->output_tail,
        .errors_tail = &protocol->errors_tail,
        .deploy_warning_at_ms = &protocol->deploy_warning_at_ms,
    };
    protocol->steps_end = steps_run(&request);
    if (protocol->steps_end.seen != SEEN_STEPS_OK) {
        protocol->backend.operations->fence_own(protocol->backend.self);
    }
    if (protocol->steps_end.seen == SEEN_STEPS_FAILED ||
        protocol->steps_end.seen == SEEN_STEPS_DIED) {
        protocol->backend.operations->name_remains(protocol->backend.self);
    }
    return protocol->steps_end.seen;
}

static void keep_output_tail(const struct protocol *protocol, struct run *outcome) {
    AUTO_TEXT struct text rendered = {.data = NULL};
    AUTO_TEXT struct text step = {.data = NULL};
    output_tail_render(&protocol->output_tail, protocol->secrets, &rendered);
    secret_values_mask(protocol->secrets, protocol->steps_end.step, &step);
    (void)snprintf(outcome->output, sizeof outcome->output, "%s", text_string(&rendered));
    (void)snprintf(outcome->step, sizeof outcome->step, "%s", text_string(&step));
}

/* For the hook, which runs when this process is gone. */
static void note_for_hook(const struct protocol *protocol, const struct run *outcome) {
    struct hook_outcome *noted = protocol->request->hook_outcome;
    AUTO_TEXT struct text lines = {.data = NULL};
    if (noted == NULL) {
        return;
    }
    output_tail_render(&protocol->output_tail, protocol->secrets, &lines);
    noted->state = outcome->state;
    noted->went_elsewhere = outcome->elsewhere[0] != '\0';
    noted->run_id = outcome->id;
    noted->elapsed_ms = clock_now_ms() - protocol->began_ms;
    noted->exit_status = protocol->steps_end.exit_status;
    memcpy(noted->step, outcome->step, sizeof noted->step);
    (void)snprintf(noted->last_lines, sizeof noted->last_lines, "%s", text_string(&lines));
    (void)snprintf(noted->fingerprint, sizeof noted->fingerprint, "%s",
        protocol->target->has_fingerprint ? protocol->target->fingerprint : "");
    noted->is_due = true;
}

/* What recording came to: the outcome of the steps, unless another replica has decided the run. */
static enum observation record_outcome(struct protocol *protocol) {
    enum observation seen = protocol->steps_end.seen;
    bool is_of_step = seen == SEEN_STEPS_FAILED || seen == SEEN_STEPS_DIED;
    struct run outcome = {
        .id = protocol->run_id,
        .state = protocol_run_state(seen, protocol->last.deaths),
        /* The status of a step that was stopped says nothing about the step. */
        .exit_status = is_of_step ? protocol->steps_end.exit_status : 0,
        .tries = protocol->steps_end.tries,
    };
    if (protocol->steps_end.step != NULL) {
        keep_output_tail(protocol, &outcome);
    }
    enum observation recorded =
        protocol->backend.operations->run_end(protocol->backend.self, &outcome, &protocol->error);
    protocol->run_id = outcome.id;
    if (recorded == SEEN_ELSEWHERE) {
        /* Another replica had the lock, and has taken this run for interrupted. */
        outcome.state = RUN_INTERRUPTED;
        protocol->steps_end.exit_status = EXIT_STATUS_WAITED_TOO_LONG;
        note_for_hook(protocol, &outcome);
        return SEEN_ELSEWHERE;
    }
    note_for_hook(protocol, &outcome);
    if (seen == SEEN_STEPS_OK) {
        protocol->prepared_here = true;
        protocol->went_elsewhere = outcome.elsewhere[0] != '\0';
        return recorded == SEEN_DONE ? SEEN_SUCCEEDED : SEEN_STEPS_OK;
    }
    if (!is_of_step) {
        return seen;
    }
    protocol->last.newest = outcome;
    (void)snprintf(
        protocol->last.newest.host, sizeof protocol->last.newest.host, "%s", report_host());
    return outcome.state == RUN_FAILED ? SEEN_FAILED : SEEN_STEPS_DIED;
}

static enum observation connect_to_backend(struct protocol *protocol) {
    return protocol->backend.operations->connect(protocol->backend.self, &protocol->error);
}

static enum observation try_lock(struct protocol *protocol) {
    return protocol->backend.operations->lock_try(protocol->backend.self, &protocol->error);
}

static enum observation (*const actions[ACTION_COUNT])(struct protocol *protocol) = {
    [ACT_CONNECT] = connect_to_backend,
    [ACT_LOOK] = look,
    [ACT_TRY_LOCK] = try_lock,
    [ACT_PAUSE] = pause_waiting,
    [ACT_INSPECT] = preflight,
    [ACT_BEGIN_RUN] = begin_run,
    [ACT_FENCE] = fence,
    [ACT_RUN_STEPS] = run_steps,
    [ACT_RECORD_OUTCOME] = record_outcome,
};

int protocol_run(struct protocol *protocol) {
    static const struct protocol_row first = {
        .next = PROTOCOL_CONNECTING, .action = ACT_CONNECT, .why = "Nothing is known yet."};
    const struct protocol_row *row = &first;
    protocol->deploy_warning_at_ms =
        getenv("KAMAL_VERSION") == NULL ? DEADLINE_NEVER : deadline_after_ms(DEPLOY_WARNING_MS);
    while (row->next != PROTOCOL_ENDED) {
        enum protocol_state state = row->next;
        enum observation seen = actions[row->action](protocol);
        if (row->action != ACT_PAUSE) {
            protocol->is_crowded = seen == SEEN_CROWDED;
        }
        row = protocol_next(state, seen);
        if (row == NULL) {
            report(EVENT_PREPARE_FAILED, NULL, "this is a bug in Signalbox: `%s` while %s: %s",
                observation_name(seen), protocol_state_name(state),
                messages_fate(protocol->request));
            return EXIT_STATUS_SYSTEM;
        }
    }
    /* Let go before the command starts: a replica that waits may look at once. */
    protocol->backend.operations->lock_release(protocol->backend.self);
    protocol->backend.operations->disconnect(protocol->backend.self);
    return messages_end(protocol, row->outcome);
}
