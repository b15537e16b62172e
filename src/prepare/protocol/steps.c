/*
 * The loop around one step. It watches four things at once: our signals, the step's two outputs and
 * the lock.
 * The trap: a grandchild can outlive the step and go on with a migration. A step has ended only
 * when this process has no child left.
 */
#include "prepare/protocol/steps.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "prepare/protocol/step_again.h"
#include "prepare/protocol/step_look.h"
#include "prepare/protocol/step_output.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/spawn.h"
#include "signalbox/process/termination.h"
#include "signalbox/report/report.h"

struct running_step {
    const struct steps_request *request;
    const struct step *step;
    pid_t process; /* 0 once it has been reaped. */
    pid_t session; /* Stays, for what it leaves behind. */
    int wait_status;
    struct step_output output;
    struct step_output errors;
    struct termination termination;
    bool was_cancelled;
    bool lock_lost;
    bool timed_out;
    int64_t began_ms;
    int64_t say_at_ms;
    struct step_look look;
    int64_t time_is_up_ms; /* DEADLINE_NEVER where there is no limit, or once it was said. */
};

static int step_start(struct running_step *running, struct error *error) {
    AUTO_FD int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    AUTO_FD int output_fd = -1;
    AUTO_FD int errors_fd = -1;
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    for (size_t i = 0; running->request->environment[i] != NULL; i++) {
        string_list_append(&environment, running->request->environment[i]);
    }
    for (size_t i = 0; i < running->step->assignments.count; i++) {
        string_list_set(&environment, running->step->assignments.items[i]);
    }
    struct output_tail *last = running->request->output_tail;
    *last = (struct output_tail){.added = 0};
    running->request->errors_tail->added = 0;
    running->request->errors_tail->leaves_out_backtraces = true;
    if (step_output_open(&running->output, STDOUT_FILENO, last, &output_fd) != 0 ||
        step_output_open(&running->errors, STDERR_FILENO, last, &errors_fd) != 0) {
        error_set(error, EXIT_STATUS_SYSTEM, "no pipe for the output of a step");
        return -1;
    }
    running->errors.own = running->request->errors_tail;
    struct spawn_request request = {
        .argv = running->step->argv.items,
        .environment = environment.items,
        /* A terminal cannot stop who reads from it in a session of its own. */
        .stdin_fd = running->request->reads_input ? -1 : null_fd,
        .stdout_fd = output_fd,
        .stderr_fd = errors_fd,
        .kept_fd = running->request->backend->operations->step_fd(running->request->backend->self),
        .group = SPAWN_OWN_SESSION,
        .die_with_parent = true,
        .signals = running->request->inheritance,
    };
    if (spawn_process(&request, &running->process, error) != 0) {
        return -1;
    }
    running->session = running->process;
    return 0;
}

static void signal_all(const struct running_step *running, int signal) {
    (void)descendants_signal(running->session, signal, NULL);
}

/* What the step is told. One that inherited the signal as ignored would never hear it. */
static int signal_for_step(const struct running_step *running, int asked) {
    return (running->request->inheritance->ignored & SIGNAL_BIT(asked)) != 0 ? SIGTERM : asked;
}

static void act_on_ending(
    const struct running_step *running, enum termination_action action, int term) {
    switch (action) {
    case TERMINATION_WAIT:
        return;
    case TERMINATION_SEND_TERM:
        signal_all(running, term);
        return;
    case TERMINATION_SEND_KILL:
        signal_all(running, SIGKILL);
        return;
    }
}

/* Another replica may begin its step in some milliseconds, and a look through /proc takes as long
 * on a busy host: first whoever needs no looking for. */
static void kill_at_once(const struct running_step *running) {
    if (running->process != 0) {
        (void)kill(-running->session, SIGKILL);
    }
}

static void say_lock_lost(const struct backend *backend, const char *what_now) {
    report(EVENT_LOCK_LOST, NULL, "the lock is lost (%s): %s", backend->operations->why_lost,
        what_now);
}

/* Asks what is left of the step to end, with the grace that begins now. */
static void ask_to_end(struct running_step *running, int64_t now_ms, int signal) {
    int64_t kill_at_ms = deadline_later_ms(now_ms, running->request->grace_ms);
    act_on_ending(running, termination_begin(&running->termination, now_ms, kill_at_ms), signal);
}

/* Decides what the last wake-up means for the step; false when nothing of it is left. */
static bool step_tend(struct running_step *running) {
    const struct backend *backend = running->request->backend;
    struct stop_request *stop_request = running->request->stop_request;
    bool was_running = running->process != 0;
    bool any_left = reap_children(&running->process, &running->wait_status);
    if (!any_left) {
        return false;
    }
    int64_t now_ms = clock_now_ms();
    if (stop_request_heard(stop_request) && !running->was_cancelled) {
        running->was_cancelled = true;
        ask_to_end(running, now_ms, signal_for_step(running, stop_request->signal));
    }
    if (!running->lock_lost && !backend->operations->guard_holds(backend->self)) {
        running->lock_lost = true;
        kill_at_once(running);
        say_lock_lost(backend, "killing the step");
        act_on_ending(running, termination_begin(&running->termination, now_ms, now_ms), SIGKILL);
    }
    if (now_ms >= running->time_is_up_ms) {
        running->time_is_up_ms = DEADLINE_NEVER;
        running->timed_out = true;
        report(EVENT_STEP_TIMED_OUT, NULL, "not done after %s (--step-timeout): ending %s",
            duration_describe(running->request->timeout_ms).string, running->step->label);
        ask_to_end(running, now_ms, SIGTERM);
    }
    if (was_running && running->process == 0) {
        ask_to_end(running, now_ms, SIGTERM);
    }
    act_on_ending(running, termination_due(&running->termination, now_ms), SIGTERM);
    return true;
}

static void say_still_running(struct running_step *running) {
    int64_t now_ms = clock_now_ms();
    if (now_ms >= *running->request->deploy_warning_at_ms) {
        *running->request->deploy_warning_at_ms = DEADLINE_NEVER;
        report(EVENT_DEPLOY_TIMEOUT, NULL,
            "Kamal ends a container that is not healthy after its deploy_timeout (30 s unless "
            "config/deploy.yml says otherwise), and this step ends with it: raise deploy_timeout, "
            "or prepare before the deploy");
    }
    if (now_ms < running->say_at_ms) {
        return;
    }
    struct event_fields fields = {
        .step = running->step->label, .elapsed_ms = now_ms - running->began_ms};
    report(EVENT_STEP_RUNNING, &fields, "still running after %s: %s",
        duration_describe(fields.elapsed_ms).string, running->step->label);
    running->say_at_ms = deadline_later_ms(now_ms, report_interval_ms());
}

static void look_into_server(struct running_step *running) {
    if (running->process != 0 && running->termination.stage == TERMINATION_NOT_BEGUN) {
        step_look_make(&running->look);
    }
}

static void step_wait(struct running_step *running) {
    const struct backend *backend = running->request->backend;
    struct pollfd descriptors[] = {
        {.fd = running->request->stop_request->signal_fd, .events = POLLIN},
        {.fd = running->lock_lost ? -1 : backend->operations->guard_fd(backend->self),
            .events = POLLIN},
        step_output_pollfd(&running->output),
        step_output_pollfd(&running->errors),
    };
    int64_t deadline_ms = deadline_earlier(running->time_is_up_ms,
        deadline_earlier(running->say_at_ms, termination_deadline_ms(&running->termination)));
    deadline_ms = deadline_earlier(deadline_ms, *running->request->deploy_warning_at_ms);
    if (running->termination.stage == TERMINATION_NOT_BEGUN) {
        deadline_ms = deadline_earlier(deadline_ms, running->look.at_ms);
    }
    if (!running->lock_lost) {
        deadline_ms =
            deadline_earlier(deadline_ms, backend->operations->guard_deadline_ms(backend->self));
    }
    if (poll(descriptors, ARRAY_LENGTH(descriptors), deadline_poll_timeout_ms(deadline_ms)) > 0) {
        if (descriptors[2].revents != 0) {
            step_output_move(&running->output);
        }
        if (descriptors[3].revents != 0) {
            step_output_move(&running->errors);
        }
    }
}

static struct steps_end step_conclude(const struct running_step *running) {
    struct steps_end end = {
        .step = running->step->label,
        .exit_status = exit_status_from_wait(running->wait_status),
    };
    struct event_fields fields = {
        .step = running->step->label,
        .elapsed_ms = clock_now_ms() - running->began_ms,
        .has_exit_status = true,
        .exit_status = end.exit_status,
    };
    struct duration_text took = duration_describe(fields.elapsed_ms);
    if (running->lock_lost) {
        end.seen = SEEN_LOCK_LOST;
        end.exit_status = EXIT_STATUS_WAITED_TOO_LONG;
    } else if (running->was_cancelled) {
        end.seen = SEEN_STEPS_STOPPED;
        end.exit_status = EXIT_STATUS_SIGNAL_BASE + running->request->stop_request->signal;
    } else if (!running->timed_out && WIFSIGNALED(running->wait_status)) {
        end.seen = SEEN_STEPS_DIED;
    } else if (running->timed_out || end.exit_status != 0) {
        end.seen = SEEN_STEPS_FAILED;
        /* A step that was told to stop and says 0 has still not done its work. */
        end.exit_status = end.exit_status == 0 ? EXIT_STATUS_WAITED_TOO_LONG : end.exit_status;
    } else {
        end.seen = SEEN_STEPS_OK;
        end.step = NULL;
    }
    report(end.seen == SEEN_STEPS_OK ? EVENT_STEP_ENDED : EVENT_STEP_FAILED, &fields,
        "ended with status %d after %s: %s", fields.exit_status, took.string, running->step->label);
    return end;
}

/* One try; `number` counts from 1, and the time of all of them began at `first_ms`. */
static struct steps_end step_run(const struct steps_request *request, const struct step *step,
    int64_t first_ms, int number, struct lock_wait *lock_wait) {
    struct running_step running = {
        .request = request,
        .step = step,
        .output = {.from_fd = -1},
        .errors = {.from_fd = -1},
        .began_ms = clock_now_ms(),
    };
    struct event_fields fields = {.step = step->label};
    struct error error;
    termination_initialise(&running.termination);
    running.say_at_ms = deadline_later_ms(running.began_ms, report_interval_ms());
    step_look_begin(&running.look, request, step->label);
    running.time_is_up_ms =
        request->timeout_ms < 0 ? DEADLINE_NEVER : deadline_later_ms(first_ms, request->timeout_ms);
    if (number == 1) {
        report(EVENT_STEP_STARTED, &fields, "running: %s", step->label);
    } else {
        report(EVENT_STEP_STARTED, &fields, "running again, try %d: %s", number, step->label);
    }
    if (step_start(&running, &error) != 0) {
        report(EVENT_STEP_FAILED, &fields, "%s: %s", step->label, error.text);
        step_output_close(&running.output);
        step_output_close(&running.errors);
        return (struct steps_end){
            .seen = SEEN_STEPS_FAILED, .step = step->label, .exit_status = error.exit_status};
    }
    while (step_tend(&running)) {
        step_wait(&running);
        say_still_running(&running);
        look_into_server(&running);
    }
    step_output_drain(&running.output);
    step_output_drain(&running.errors);
    step_output_close(&running.output);
    step_output_close(&running.errors);
    *lock_wait = running.look.last;
    return step_conclude(&running);
}

static struct steps_end end_without_lock(
    const struct steps_request *request, const struct step *step, const char *what) {
    say_lock_lost(request->backend, what);
    return (struct steps_end){
        .seen = SEEN_LOCK_LOST, .step = step->label, .exit_status = EXIT_STATUS_WAITED_TOO_LONG};
}

/* What came before, a fence that had to wait, another step or a pause, may have taken longer than
 * the lock lived. */
static struct steps_end step_run_locked(const struct steps_request *request,
    const struct step *step, int64_t first_ms, int number, struct lock_wait *lock_wait) {
    const struct backend *backend = request->backend;
    return backend->operations->guard_holds(backend->self)
        ? step_run(request, step, first_ms, number, lock_wait)
        : end_without_lock(request, step, "no step is begun");
}

/* Until it ends well, fails of what lasts, or has had all its tries. */
static struct steps_end step_run_patiently(
    const struct steps_request *request, const struct step *step) {
    int64_t first_ms = clock_now_ms();
    for (int number = 1;; number++) {
        struct lock_wait lock_wait = {.waited_ms = 0};
        const struct step_try try = {
            .step = step->label, .number = number, .began_ms = first_ms, .lock_wait = &lock_wait};
        struct steps_end end = step_run_locked(request, step, first_ms, number, &lock_wait);
        enum observation next = end.seen == SEEN_STEPS_FAILED
            ? step_again_decide(request, &try, end.exit_status)
            : end.seen;
        if (next == SEEN_STEPS_STOPPED && end.seen == SEEN_STEPS_FAILED) {
            end.exit_status = EXIT_STATUS_SIGNAL_BASE + request->stop_request->signal;
        } else if (next == SEEN_LOCK_LOST && end.seen == SEEN_STEPS_FAILED) {
            end = end_without_lock(request, step, "it is not tried again");
        }
        end.tries = number;
        if (next != SEEN_DONE) {
            end.seen = next;
            return end;
        }
    }
}

struct steps_end steps_run(const struct steps_request *request) {
    struct steps_end end = {.seen = SEEN_STEPS_OK};
    for (size_t i = 0; i < request->steps->count && end.seen == SEEN_STEPS_OK; i++) {
        int tries = end.tries;
        end = step_run_patiently(request, &request->steps->items[i]);
        end.tries = end.tries > tries ? end.tries : tries;
    }
    return end;
}
