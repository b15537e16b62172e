/*
 * The hook. What it is told is also understood by a Signalbox that it runs: nothing of it is an
 * option there, and the hook is not run by that one again.
 */
#include "signalbox/prepare/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "prepare/prepare_context.h"
#include "prepare/protocol/step_output.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/subprocess.h"
#include "signalbox/report/report.h"

#define RELEASE_VARIABLE "SIGNALBOX_RELEASE"
#define RELEASE_SOURCE_VARIABLE "SIGNALBOX_RELEASE_SOURCE"

static const char *const variables[] = {"SIGNALBOX_OUTCOME", "SIGNALBOX_RUN", "SIGNALBOX_HOST",
    "SIGNALBOX_ELAPSED_MS", "SIGNALBOX_EXIT_STATUS", "SIGNALBOX_STEP", "SIGNALBOX_LAST_LINES",
    "SIGNALBOX_FINGERPRINT", RELEASE_SOURCE_VARIABLE};

struct hook_outcome *hook_outcome_share(void) {
    void *memory = mmap(NULL, sizeof(struct hook_outcome), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        report(EVENT_HOOK_FAILED, NULL, "--on-finish is not run: no memory for the outcome: %s",
            strerror(errno));
        return NULL;
    }
    return memory;
}

void hook_outcome_release(struct hook_outcome *outcome) {
    if (outcome != NULL) {
        (void)munmap(outcome, sizeof *outcome);
    }
}

bool hook_is_variable(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        if (strcmp(variables[i], name) == 0) {
            return true;
        }
    }
    return false;
}

bool hook_only_tells_release(char *const environment[]) {
    static const char prefix[] = RELEASE_SOURCE_VARIABLE "=";
    for (; *environment != NULL; environment++) {
        if (string_has_prefix(*environment, prefix)) {
            return strcmp(*environment + strlen(prefix), RELEASE_VARIABLE) != 0;
        }
    }
    return false;
}

bool hook_limits(
    int64_t now_ms, int64_t timeout_ms, int64_t stop_at_ms, struct hook_limits *limits) {
    int64_t end_at_ms = deadline_later_ms(now_ms, timeout_ms);
    *limits = (struct hook_limits){.end_at_ms = end_at_ms, .kill_at_ms = stop_at_ms};
    if (stop_at_ms == DEADLINE_NEVER) {
        return true;
    }
    int64_t left_ms = stop_at_ms - now_ms;
    if (left_ms <= 0) {
        return false;
    }
    /* A part of what is left is for its own end. */
    limits->end_at_ms = deadline_earlier(end_at_ms, deadline_later_ms(now_ms, left_ms / 4 * 3));
    return true;
}

static const char *outcome_name(const struct hook_outcome *outcome) {
    return outcome->went_elsewhere ? "elsewhere" : run_state_name(outcome->state);
}

static void append(struct string_list *assignments, const char *name, const char *value) {
    AUTO_TEXT struct text assignment = {.data = NULL};
    text_append_format(&assignment, "%s=%s", name, value);
    string_list_append(assignments, text_string(&assignment));
}

static void append_number(struct string_list *assignments, const char *name, int64_t number) {
    AUTO_TEXT struct text value = {.data = NULL};
    text_append_format(&value, "%lld", (long long)number);
    append(assignments, name, text_string(&value));
}

void hook_append_variables(const struct hook_request *request, struct string_list *assignments) {
    const struct hook_outcome *outcome = request->outcome;
    const char *release = request->prepare->release_label;
    append(assignments, "SIGNALBOX_OUTCOME", outcome_name(outcome));
    if (outcome->run_id == 0) {
        append(assignments, "SIGNALBOX_RUN", "");
    } else {
        append_number(assignments, "SIGNALBOX_RUN", outcome->run_id);
    }
    append(assignments, "SIGNALBOX_HOST", report_host());
    append_number(assignments, "SIGNALBOX_ELAPSED_MS", outcome->elapsed_ms);
    append_number(assignments, "SIGNALBOX_EXIT_STATUS", outcome->exit_status);
    append(assignments, "SIGNALBOX_STEP", outcome->step);
    append(assignments, "SIGNALBOX_LAST_LINES", outcome->last_lines);
    append(assignments, "SIGNALBOX_FINGERPRINT", outcome->fingerprint);
    append(assignments, RELEASE_VARIABLE, release == NULL ? "" : release);
    append(assignments, RELEASE_SOURCE_VARIABLE,
        request->release_source == NULL ? "" : request->release_source);
    /* A Signalbox that the hook runs must not run the hook. */
    append(assignments, "SIGNALBOX_ON_FINISH", "");
}

/* The words behind what the steps were run behind, and their environment. */
static void make_hook(
    const struct hook_request *request, struct step_list *hook, struct string_list *environment) {
    const struct prepare_request *prepare = request->prepare;
    const struct step *given = &request->words->items[0];
    struct step inner = {.text = given->text, .label = given->label, .argv = given->argv};
    const struct step_list one = {.items = &inner, .count = 1};
    struct recognition command = *prepare->command;
    struct context known = {.directory = NULL};
    if (request->outcome->is_unknown_left_out) {
        context_copy_known(&command.around, &known);
        command.around = known;
    }
    hook_append_variables(request, &inner.assignments);
    for (size_t i = 0; i < given->assignments.count; i++) {
        string_list_append(&inner.assignments, given->assignments.items[i]);
    }
    recognise_wrap_steps(
        &command, &one, prepare->target.environment, prepare->target.environment_source, hook);
    string_list_release(&inner.assignments);
    context_release(&known);
    prepare_context_copy_environment(
        &prepare->target, request->outcome->is_wrapper_answered, environment);
    for (size_t i = 0; i < hook->items[0].assignments.count; i++) {
        string_list_set(environment, hook->items[0].assignments.items[i]);
    }
}

static struct pollfd output_wanted(void *argument) {
    return step_output_pollfd(argument);
}

static void output_move(void *argument) {
    step_output_move(argument);
}

static void say_end(const struct hook_request *request, const struct subprocess_end *end,
    const struct stop_request *stop_request, int64_t elapsed_ms) {
    const char *label = request->words->items[0].label;
    struct event_fields fields = {.elapsed_ms = elapsed_ms,
        .has_exit_status = true,
        .exit_status = exit_status_from_wait(end->wait_status)};
    struct duration_text took = duration_describe(elapsed_ms);
    if (end->was_cancelled) {
        report(EVENT_HOOK_FAILED, &fields, "SIG%s has ended --on-finish after %s: %s",
            signals_name(stop_request->signal), took.string, label);
    } else if (end->timed_out) {
        report(EVENT_HOOK_FAILED, &fields, "--on-finish was not done after %s%s, and was ended: %s",
            took.string,
            request->stop_at_ms == DEADLINE_NEVER ? "" : ", when the grace was about to be over",
            label);
    } else if (end->wait_status != 0) {
        report(EVENT_HOOK_FAILED, &fields, "--on-finish ended with status %d after %s: %s",
            fields.exit_status, took.string, label);
    } else {
        report(EVENT_HOOK_ENDED, &fields, "--on-finish ended after %s", took.string);
    }
}

static int run(const struct hook_request *request, const struct hook_limits *limits,
    struct stop_request *stop_request, struct error *error) {
    AUTO_STEP_LIST struct step_list hook = {.items = NULL};
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    struct step_output output;
    struct step_output errors;
    struct subprocess_end end;
    AUTO_FD int output_fd = -1;
    AUTO_FD int errors_fd = -1;
    int64_t began_ms = clock_now_ms();
    make_hook(request, &hook, &environment);
    if (step_output_open(&output, STDOUT_FILENO, NULL, &output_fd) != 0 ||
        step_output_open(&errors, STDERR_FILENO, NULL, &errors_fd) != 0) {
        error_set(error, EXIT_STATUS_SYSTEM, "no pipe for its output");
        return -1;
    }
    const struct subprocess_request program = {
        .argv = hook.items[0].argv.items,
        .environment = environment.items,
        .signals = request->prepare->inheritance,
        .stop_request = stop_request,
        .output = {output_fd, output_wanted, output_move, &output},
        .errors = {errors_fd, output_wanted, output_move, &errors},
        .end_at_ms = limits->end_at_ms,
        .kill_at_ms = limits->kill_at_ms,
        .grace_ms = request->prepare->grace_ms,
    };
    int result = subprocess_run(&program, &end, error);
    step_output_drain(&output);
    step_output_drain(&errors);
    step_output_close(&output);
    step_output_close(&errors);
    if (result == 0) {
        say_end(request, &end, stop_request, clock_now_ms() - began_ms);
    }
    return result;
}

int hook_run(void *argument) {
    const struct hook_request *request = argument;
    struct hook_limits limits;
    struct error error;
    struct stop_request stop_request = {.signal_fd = signals_open(&error)};
    report_set_fingerprint(request->outcome->fingerprint);
    (void)reap_set_subreaper(true);
    if (!hook_limits(clock_now_ms(), request->timeout_ms, request->stop_at_ms, &limits)) {
        report(EVENT_HOOK_FAILED, NULL,
            "--on-finish is not run, because nothing is left of the grace (--grace): %s",
            request->words->items[0].label);
        return EXIT_STATUS_SUCCESS;
    }
    report(EVENT_HOOK_STARTED, NULL, "running --on-finish: %s", request->words->items[0].label);
    if (stop_request.signal_fd < 0 || run(request, &limits, &stop_request, &error) != 0) {
        report(EVENT_HOOK_FAILED, NULL, "--on-finish: %s", error.text);
    }
    return EXIT_STATUS_SUCCESS;
}
