/*
 * The loop around one program. A grandchild can outlive the program, so it has ended only when this
 * process has no child left.
 */
#include "signalbox/process/subprocess.h"

#include <fcntl.h>

#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/spawn.h"
#include "signalbox/process/termination.h"

/* A KILL that is refused is not repeated for ever. */
enum { KILLING_MOST_MS = 2000, KILL_AGAIN_MS = 50 };

struct subprocess {
    const struct subprocess_request *request;
    struct subprocess_end *end;
    pid_t process; /* 0 once it has been reaped. */
    pid_t session; /* Stays, for what it leaves behind. */
    struct termination termination;
    int64_t end_at_ms; /* DEADLINE_NEVER once it was asked to end. */
    int64_t give_up_at_ms;
};

static int start(struct subprocess *subprocess, struct error *error) {
    const struct subprocess_request *request = subprocess->request;
    AUTO_FD int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct spawn_request spawn = {
        .argv = request->argv,
        .environment = request->environment,
        .stdin_fd = null_fd,
        .stdout_fd = request->output.program_fd,
        .stderr_fd = request->errors.program_fd,
        .group = SPAWN_OWN_SESSION,
        .die_with_parent = true,
        .signals = request->signals,
    };
    int result = spawn_process(&spawn, &subprocess->process, error);
    subprocess->session = subprocess->process;
    return result;
}

static void act(struct subprocess *subprocess, enum termination_action action) {
    switch (action) {
    case TERMINATION_WAIT:
        return;
    case TERMINATION_SEND_TERM:
        (void)descendants_signal(subprocess->session, SIGTERM, NULL);
        return;
    case TERMINATION_SEND_KILL:
        (void)descendants_signal(subprocess->session, SIGKILL, NULL);
        subprocess->give_up_at_ms =
            deadline_earlier(subprocess->give_up_at_ms, deadline_after_ms(KILLING_MOST_MS));
        return;
    }
}

static void ask_to_end(struct subprocess *subprocess, int64_t now_ms) {
    int64_t kill_at_ms = deadline_earlier(
        subprocess->request->kill_at_ms, deadline_later_ms(now_ms, subprocess->request->grace_ms));
    subprocess->end_at_ms = DEADLINE_NEVER;
    act(subprocess, termination_begin(&subprocess->termination, now_ms, kill_at_ms));
}

/* Decides what the last wake-up means; false when nothing of it is left, or nothing that we could
 * end. */
static bool tend(struct subprocess *subprocess) {
    struct subprocess_end *end = subprocess->end;
    bool was_running = subprocess->process != 0;
    bool was_cancelled = end->was_cancelled;
    /* A stop of the container may have ended the program before we do. */
    end->was_cancelled = stop_request_heard(subprocess->request->stop_request);
    if (!reap_children(&subprocess->process, &end->wait_status)) {
        return false;
    }
    int64_t now_ms = clock_now_ms();
    if (end->was_cancelled && !was_cancelled) {
        ask_to_end(subprocess, now_ms);
    }
    if (now_ms >= subprocess->end_at_ms) {
        end->timed_out = true;
        ask_to_end(subprocess, now_ms);
    }
    if (was_running && subprocess->process == 0) {
        ask_to_end(subprocess, now_ms);
    }
    act(subprocess, termination_due(&subprocess->termination, now_ms));
    return !deadline_passed(subprocess->give_up_at_ms);
}

static int64_t wake_ms(const struct subprocess *subprocess) {
    int64_t at_ms =
        deadline_earlier(subprocess->end_at_ms, termination_deadline_ms(&subprocess->termination));
    bool is_killing = subprocess->termination.stage == TERMINATION_KILLED;
    return is_killing ? deadline_earlier(at_ms, deadline_after_ms(KILL_AGAIN_MS)) : at_ms;
}

static void wait_for_more(struct subprocess *subprocess) {
    const struct subprocess_request *request = subprocess->request;
    struct pollfd descriptors[] = {
        {.fd = request->stop_request->signal_fd, .events = POLLIN},
        request->output.wanted(request->output.argument),
        request->errors.wanted(request->errors.argument),
    };
    if (poll(descriptors, ARRAY_LENGTH(descriptors),
            deadline_poll_timeout_ms(wake_ms(subprocess))) <= 0) {
        return;
    }
    if (descriptors[1].revents != 0) {
        request->output.move(request->output.argument);
    }
    if (descriptors[2].revents != 0) {
        request->errors.move(request->errors.argument);
    }
}

int subprocess_run(
    const struct subprocess_request *request, struct subprocess_end *end, struct error *error) {
    struct subprocess subprocess = {
        .request = request,
        .end = end,
        .end_at_ms = request->end_at_ms,
        .give_up_at_ms = DEADLINE_NEVER,
    };
    *end = (struct subprocess_end){.wait_status = 0};
    termination_initialise(&subprocess.termination);
    if (start(&subprocess, error) != 0) {
        return -1;
    }
    while (tend(&subprocess)) {
        wait_for_more(&subprocess);
    }
    return 0;
}
