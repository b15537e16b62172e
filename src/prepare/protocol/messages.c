/*
 * The words. Each line about a failure says what becomes of the server, and which run of which
 * replica it is about.
 */
#include "prepare/protocol/messages.h"

#include <string.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"
#include "signalbox/process/signals.h"
#include "signalbox/report/report.h"

const char *messages_fate(const struct prepare_request *request) {
    if (purpose_is_command(request->purpose)) {
        return "the command is not run";
    }
    switch (request->command->kind) {
    case COMMAND_SERVER:
        return "the server is not started";
    case COMMAND_NONE:
        return "nothing is prepared";
    case COMMAND_WORKER:
    case COMMAND_PREPARE:
    case COMMAND_TASK:
    case COMMAND_OTHER:
        break;
    }
    return "the command is not started";
}

/* Says what became of the steps, and of the command. One that is the step itself has been run:
 * nothing is left to be said of it. */
static void report_with_fate(const struct protocol *protocol, enum event event,
    const struct event_fields *fields, const struct text *line) {
    if (purpose_is_command(protocol->request->purpose)) {
        report(event, fields, "%s", text_string(line));
    } else {
        report(event, fields, "%s: %s", text_string(line), messages_fate(protocol->request));
    }
}

static void say_nobody_prepares(
    const struct protocol *protocol, const struct event_fields *fields) {
    const struct run *newest = &protocol->last.newest;
    const struct run *run = newest->id == 0 ? &protocol->last.latest : newest;
    AUTO_TEXT struct text last = {.data = NULL};
    if (run->id == 0) {
        text_append_string(&last, "there has been no run yet");
    } else {
        text_append_format(&last, "the last run%s was %lld on %s, %s %s ago",
            newest->id == 0 ? ", of other content," : "", (long long)run->id, run->host,
            run_state_name(run->state), duration_describe(run->age_ms).string);
    }
    if (protocol->last.stale_reason[0] != '\0') {
        text_append_format(&last, "; %s", protocol->last.stale_reason);
    }
    report(EVENT_WAITING, fields,
        "no replica is preparing this content yet; waiting for one (%s so far; %s)",
        duration_describe(fields->elapsed_ms).string, text_string(&last));
}

void messages_waiting(struct protocol *protocol, int64_t now_ms) {
    const struct run *holder = &protocol->last.holder;
    struct event_fields fields = {.elapsed_ms = now_ms - protocol->waiting_since_ms};
    protocol->say_at_ms = deadline_later_ms(now_ms, report_interval_ms());
    if (protocol->rest_until_ms != 0) {
        int64_t rest_ms = protocol->rest_until_ms > now_ms ? protocol->rest_until_ms - now_ms : 0;
        report(EVENT_WAITING, &fields,
            "this content failed %d times in a row, last in `%s` on %s: running again in %s",
            protocol->last.failures, protocol->last.newest.step, protocol->last.newest.host,
            duration_describe(rest_ms).string);
        return;
    }
    if (holder->id == 0 && protocol->request->purpose == PREPARE_BY_OTHERS) {
        say_nobody_prepares(protocol, &fields);
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

/* Why the steps are due, as far as anybody can say. */
static void append_reason(const struct protocol *protocol, struct text *reason) {
    const struct look *last = &protocol->last;
    if (protocol->request->purpose == PREPARE_UNRECORDED) {
        text_append_string(reason, "the command migrates, loads or seeds");
    } else if (purpose_is_command(protocol->request->purpose)) {
        text_append_string(reason, "the step was given as the command");
    } else if (!protocol->target->has_fingerprint || !last->has_ledger) {
        text_append_string(reason, "without a ledger every replica runs the steps in its turn");
    } else if (last->newest.state == RUN_SUCCEEDED && last->stale_reason[0] != '\0') {
        text_append_string(reason, last->stale_reason);
    } else if (last->newest.state == RUN_SUCCEEDED) {
        text_append_format(reason, "run %lld has prepared other content since run %lld",
            (long long)last->latest.id, (long long)last->newest.id);
    } else if (last->newest.state == RUN_FAILED || last->newest.state == RUN_INTERRUPTED) {
        text_append_format(reason, "run %lld on %s %s", (long long)last->newest.id,
            last->newest.host, last->newest.state == RUN_FAILED ? "failed" : "was interrupted");
    } else if (protocol->preflight.reason[0] != '\0') {
        text_append_string(reason, protocol->preflight.reason);
    } else if (last->latest.id != 0) {
        text_append_format(reason, "this content is new since run %lld (%s)",
            (long long)last->latest.id,
            last->latest.release[0] == '\0' ? last->latest.host : last->latest.release);
    } else {
        text_append_string(reason, "this content is not prepared yet");
    }
}

void messages_beginning(const struct protocol *protocol) {
    struct event_fields fields = {.run = protocol->run_id};
    AUTO_TEXT struct text reason = {.data = NULL};
    append_reason(protocol, &reason);
    switch (protocol->target->lock) {
    case LOCK_NONE:
        break;
    case LOCK_FILE:
        report(EVENT_LOCK_TAKEN, &fields, "took the lock %s: %s", protocol->target->lock_path,
            text_string(&reason));
        break;
    case LOCK_AUTO:
    case LOCK_POSTGRES:
        report(EVENT_LOCK_TAKEN, &fields, "took the lock (key %lld): %s",
            (long long)protocol->target->lock_key, text_string(&reason));
        break;
    }
}

void messages_fencing(const struct fence_report *found, int64_t waited_ms, int64_t *say_at_ms) {
    if (found->ended > 0) {
        report(EVENT_FENCED, NULL,
            "ended %d statement%s of an earlier run that still worked in the server", found->ended,
            found->ended == 1 ? "" : "s");
    }
    if (found->holder[0] != '\0' && clock_now_ms() >= *say_at_ms) {
        *say_at_ms = deadline_after_ms(report_interval_ms());
        struct event_fields fields = {.elapsed_ms = waited_ms};
        report(EVENT_WAITING, &fields, "waiting for %s, before the first step (%s so far)",
            found->holder, duration_describe(waited_ms).string);
    }
}

/* The output that another replica's step ended with; our own has passed by already. */
static void show_output(const struct run *run) {
    for (const char *line = run->output; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        struct event_fields fields = {.run = run->id, .holder = run->host};
        report(EVENT_STEP_OUTPUT, &fields, "| %.*s", (int)length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

static int fail(const struct protocol *protocol) {
    const struct run *run = &protocol->last.newest;
    int exit_status = run->exit_status == 0 ? EXIT_STATUS_SYSTEM : run->exit_status;
    struct event_fields fields = {
        .run = run->id,
        .holder = run->host,
        .step = run->step[0] == '\0' ? NULL : run->step,
        .has_exit_status = true,
        .exit_status = exit_status,
    };
    AUTO_TEXT struct text line = {.data = NULL};
    if (run->id != protocol->run_id) {
        show_output(run);
    }
    if (run->id == 0) {
        text_append_format(&line, "`%s` failed with status %d", run->step, exit_status);
    } else {
        text_append_format(&line, "run %lld on %s failed with status %d in `%s`",
            (long long)run->id, run->host, exit_status, run->step);
    }
    if (run->tries > 1) {
        text_append_format(&line, " after %d tries", run->tries);
    }
    report_with_fate(protocol, EVENT_PREPARE_FAILED, &fields, &line);
    return exit_status;
}

static int fail_alone(const struct protocol *protocol) {
    const struct steps_end *end = &protocol->steps_end;
    struct event_fields fields = {.run = protocol->run_id,
        .step = end->step,
        .has_exit_status = true,
        .exit_status = end->exit_status};
    AUTO_TEXT struct text line = {.data = NULL};
    text_append_format(&line, "a signal ended `%s` (status %d)%s", end->step, end->exit_status,
        purpose_is_command(protocol->request->purpose) ? "" : ", so another replica may try");
    report_with_fate(protocol, EVENT_PREPARE_FAILED, &fields, &line);
    return end->exit_status;
}

/* Rails seeds a database only in the run that initialises it. */
static void warn_of_seeds(const struct protocol *protocol) {
    const struct run *unfinished = &protocol->last.unfinished;
    if (unfinished->id == 0) {
        return;
    }
    struct event_fields fields = {.run = unfinished->id, .holder = unfinished->host};
    report(EVENT_SEEDS_IN_DOUBT, &fields,
        "run %lld on %s began on a new database and did not succeed, and Rails does not repeat "
        "seeds that it did not finish: check whether they are there; if not, run `bin/rails "
        "db:seed`",
        (long long)unfinished->id, unfinished->host);
}

static void say_prepared(const struct protocol *protocol) {
    const struct run *run = &protocol->last.newest;
    if (protocol->prepared_here && protocol->run_id == 0) {
        if (!protocol->went_elsewhere) {
            report(EVENT_PREPARED, NULL, "done, without a record in the ledger");
        }
        return;
    }
    if (protocol->prepared_here) {
        struct event_fields fields = {.run = protocol->run_id};
        if (!protocol->went_elsewhere) {
            report(EVENT_PREPARED, &fields, "prepared (run %lld)", (long long)protocol->run_id);
        }
        warn_of_seeds(protocol);
        return;
    }
    struct event_fields fields = {.run = run->id, .holder = run->host};
    report(EVENT_ALREADY_PREPARED, &fields, "already prepared by run %lld on %s, %s ago",
        (long long)run->id, run->host, duration_describe(run->age_ms).string);
}

/* For whom, or for what, in vain. */
static int give_up_waiting(const struct protocol *protocol) {
    const struct run *holder = &protocol->last.holder;
    struct duration_text waited = duration_describe(protocol->request->wait_timeout_ms);
    AUTO_TEXT struct text awaited = {.data = NULL};
    if (protocol->steps_end.seen == SEEN_TIMED_OUT) {
        text_append_format(&awaited, "%s to end, before the first step",
            protocol->fenced_by[0] == '\0' ? "what an earlier run has left in the server"
                                           : protocol->fenced_by);
    } else if (protocol->is_crowded) {
        text_append_format(&awaited, "a free connection (%s)", protocol->error.text);
    } else if (holder->id != 0) {
        text_append_format(&awaited, "another replica to prepare (%s, run %lld)", holder->host,
            (long long)holder->id);
    } else {
        text_append_string(&awaited, "another replica to prepare");
    }
    report(EVENT_PREPARE_FAILED, NULL, "waited %s for %s: %s (--wait-timeout)", waited.string,
        text_string(&awaited), messages_fate(protocol->request));
    return EXIT_STATUS_WAITED_TOO_LONG;
}

int messages_end(const struct protocol *protocol, enum protocol_outcome outcome) {
    AUTO_TEXT struct text line = {.data = NULL};
    switch (outcome) {
    case OUTCOME_PREPARED:
        say_prepared(protocol);
        return EXIT_STATUS_SUCCESS;
    case OUTCOME_PREPARED_UNRECORDED:
        report(EVENT_LEDGER_UNAVAILABLE, NULL,
            "prepared, but the ledger could not be written: the next replica runs again");
        return EXIT_STATUS_SUCCESS;
    case OUTCOME_FAILED:
        return fail(protocol);
    case OUTCOME_DIED:
        return fail_alone(protocol);
    case OUTCOME_WAITED_TOO_LONG:
        return give_up_waiting(protocol);
    case OUTCOME_LOCK_LOST:
        text_append_string(&line, "the lock was lost while preparing");
        report_with_fate(protocol, EVENT_PREPARE_FAILED, NULL, &line);
        return EXIT_STATUS_WAITED_TOO_LONG;
    case OUTCOME_REFUSED:
        report(EVENT_DATABASE_REFUSED, NULL, "%s: %s", protocol->error.text,
            messages_fate(protocol->request));
        return protocol->error.exit_status;
    case OUTCOME_CANCELLED:
        text_append_format(
            &line, "%s while preparing", signals_name(protocol->stop_request->signal));
        report_with_fate(protocol, EVENT_CANCELLED, NULL, &line);
        return EXIT_STATUS_SIGNAL_BASE + protocol->stop_request->signal;
    case OUTCOME_NONE:
    case OUTCOME_COUNT:
        break;
    }
    return EXIT_STATUS_SYSTEM;
}
