/*
 * Owns the process between us and the program, and the reply that comes from it through a pipe: one
 * byte that says what follows, and the password or the reason. Nothing of a password is left in
 * memory here; the process in between ends, and takes its own memory with it.
 */
#include "signalbox/postgres/password_asking.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/base/text.h"
#include "signalbox/process/descriptors.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/subprocess.h"

enum {
    GRACE_MS = 500, /* Nothing is lost in a program that was only asked. */
    REPLY_MOST = 1 + PASSWORD_MOST + 1,
    COMPLAINT_KEPT = 512,
    COMPLAINT_SHOWN = 200
};

enum reply_kind { REPLY_PASSWORD = 'p', REPLY_UNAVAILABLE = 'u', REPLY_IMPOSSIBLE = 'i' };

/* --- the process in between ----------------------------------------------------------------- */

struct reading {
    int fd;
    size_t room;  /* What is kept of it at most. */
    bool is_tail; /* Of more, the end is kept; otherwise the beginning. */
    char bytes[PASSWORD_MOST + 2];
    size_t length;
};

static struct pollfd reading_wanted(void *argument) {
    const struct reading *reading = argument;
    return (struct pollfd){.fd = reading->fd, .events = POLLIN};
}

static void keep(struct reading *reading, const char *bytes, size_t length) {
    size_t free_room = reading->room - reading->length;
    if (reading->is_tail && length >= reading->room) {
        bytes += length - reading->room;
        length = reading->room;
    }
    if (reading->is_tail && length > reading->room - reading->length) {
        size_t dropped = length - free_room;
        memmove(reading->bytes, reading->bytes + dropped, reading->length - dropped);
        reading->length -= dropped;
        free_room = length;
    }
    size_t taken = length < free_room ? length : free_room;
    memcpy(reading->bytes + reading->length, bytes, taken);
    reading->length += taken;
}

static void reading_move(void *argument) {
    struct reading *reading = argument;
    char buffer[4096];
    ssize_t length = read(reading->fd, buffer, sizeof buffer);
    if (length > 0) {
        keep(reading, buffer, (size_t)length);
    }
}

static void reading_drain(struct reading *reading) {
    struct pollfd rest = {.fd = reading->fd, .events = POLLIN};
    while (poll(&rest, 1, 0) == 1 && (rest.revents & POLLIN) != 0) {
        reading_move(reading);
    }
}

/* Its last line, without what is a secret in it, or with nothing. */
static void append_complaint(const struct password_question *question, struct reading *errors,
    const struct reading *output, struct text *why) {
    AUTO_SECRET_VALUES struct secret_values secrets = {.items = {.items = NULL}};
    AUTO_TEXT struct text masked = {.data = NULL};
    size_t line_length = 0;
    char *end = errors->bytes + errors->length;
    while (end > errors->bytes && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    *end = '\0';
    char *line = end;
    while (line > errors->bytes && line[-1] != '\n' && line[-1] != '\r') {
        line--;
    }
    secret_values_learn_environment(&secrets, question->environment);
    if (password_asking_line(output->bytes, output->length, &line_length) == PASSWORD_LINE_GOOD) {
        AUTO_FREE char *printed = strndup(output->bytes, line_length);
        secret_values_learn(&secrets, printed);
    }
    secret_values_mask(&secrets, line, &masked);
    if (masked.length > 0) {
        text_append_format(why, ": %.*s", COMPLAINT_SHOWN, text_string(&masked));
    }
}

/* Why there is no password, and whether asking again may help: a service that is down for a moment
 * comes back like a database; a program that is not there does not. */
static enum reply_kind explain(const struct password_question *question,
    const struct subprocess_end *end, struct reading *errors, const struct reading *output,
    struct text *why) {
    int exit_status = exit_status_from_wait(end->wait_status);
    if (end->timed_out) {
        text_append_format(
            why, "did not answer within %s", duration_describe(PASSWORD_ANSWER_MS).string);
    } else if (WIFSIGNALED(end->wait_status)) {
        text_append_format(why, "was ended by SIG%s", signals_name(WTERMSIG(end->wait_status)));
    } else {
        text_append_format(why, "ended with status %d", exit_status);
    }
    append_complaint(question, errors, output, why);
    return exit_status == EXIT_STATUS_NOT_EXECUTABLE || exit_status == EXIT_STATUS_NOT_FOUND
        ? REPLY_IMPOSSIBLE
        : REPLY_UNAVAILABLE;
}

static enum reply_kind judge_line(const struct reading *output, struct text *answer) {
    size_t length = 0;
    switch (password_asking_line(output->bytes, output->length, &length)) {
    case PASSWORD_LINE_GOOD:
        text_append(answer, output->bytes, length);
        return REPLY_PASSWORD;
    case PASSWORD_LINE_EMPTY:
        text_append_string(answer, "ended well, and the first line of its output is empty");
        break;
    case PASSWORD_LINE_TOO_LONG:
        text_append_format(
            answer, "printed a line of more than %d bytes, which is no password", PASSWORD_MOST);
        break;
    case PASSWORD_LINE_BINARY:
        text_append_string(answer, "printed a NUL byte, which no password has");
        break;
    }
    return REPLY_IMPOSSIBLE;
}

static enum reply_kind ask(const struct password_question *question, struct text *answer) {
    struct stop_request stop_request = {.signal = 0};
    struct subprocess_end end;
    struct error error;
    int output[2];
    int errors[2];
    struct reading *printed = memory_allocate(1, sizeof *printed);
    struct reading *complaint = memory_allocate(1, sizeof *complaint);
    stop_request.signal_fd = signals_open(&error);
    if (stop_request.signal_fd < 0 || pipe2(output, O_CLOEXEC) != 0 ||
        pipe2(errors, O_CLOEXEC) != 0) {
        text_append_string(answer, "cannot be started: no descriptor is left");
        return REPLY_UNAVAILABLE;
    }
    *printed = (struct reading){.fd = output[0], .room = sizeof printed->bytes};
    *complaint = (struct reading){.fd = errors[0], .room = COMPLAINT_KEPT, .is_tail = true};
    const struct subprocess_request request = {
        .argv = question->argv,
        .environment = question->environment,
        .signals = question->signals,
        .stop_request = &stop_request,
        .output = {output[1], reading_wanted, reading_move, printed},
        .errors = {errors[1], reading_wanted, reading_move, complaint},
        .end_at_ms = deadline_after_ms(PASSWORD_ANSWER_MS),
        .kill_at_ms = DEADLINE_NEVER,
        .grace_ms = GRACE_MS,
    };
    if (subprocess_run(&request, &end, &error) != 0) {
        text_append_string(answer, error.text);
        return REPLY_UNAVAILABLE;
    }
    reading_drain(printed);
    reading_drain(complaint);
    return end.timed_out || end.wait_status != 0
        ? explain(question, &end, complaint, printed, answer)
        : judge_line(printed, answer);
}

static _Noreturn void stand_between(
    const struct password_question *question, pid_t parent, int reply_fd) {
    AUTO_TEXT struct text answer = {.data = NULL};
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(EXIT_STATUS_SIGNAL_BASE + SIGTERM);
    }
    /* The connections of the one who asks must end with it. */
    descriptors_close_others(&reply_fd, 1);
    (void)reap_set_subreaper(true);
    char kind = (char)ask(question, &answer);
    (void)!write(reply_fd, &kind, 1);
    (void)!write(reply_fd, text_string(&answer), answer.length);
    _exit(EXIT_STATUS_SUCCESS);
}

/* --- the one who asks ------------------------------------------------------------------------ */

enum password_line password_asking_line(const char *bytes, size_t length, size_t *line_length) {
    const char *end = memchr(bytes, '\n', length);
    size_t found = end == NULL ? length : (size_t)(end - bytes);
    if (found > 0 && bytes[found - 1] == '\r') {
        found--;
    }
    *line_length = found;
    if (found == 0) {
        return PASSWORD_LINE_EMPTY;
    }
    if (found > PASSWORD_MOST) {
        return PASSWORD_LINE_TOO_LONG;
    }
    return memchr(bytes, '\0', found) == NULL ? PASSWORD_LINE_GOOD : PASSWORD_LINE_BINARY;
}

bool password_asking_start(
    const struct password_question *question, struct password_asking *asking) {
    int ends[2];
    pid_t self = getpid();
    *asking = (struct password_asking){.reply_fd = -1};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t process = fork();
    if (process == 0) {
        stand_between(question, self, ends[1]);
    }
    (void)close(ends[1]);
    if (process < 0) {
        (void)close(ends[0]);
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *asking = (struct password_asking){
        .process = process, .reply_fd = ends[0], .reply = memory_allocate(REPLY_MOST + 1, 1)};
    return true;
}

enum password_result password_asking_advance(struct password_asking *asking, const char **answer) {
    for (;;) {
        ssize_t length =
            read(asking->reply_fd, asking->reply + asking->length, REPLY_MOST - asking->length);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 && errno == EAGAIN) {
            return PASSWORD_PENDING;
        }
        if (length <= 0) {
            break;
        }
        asking->length += (size_t)length;
    }
    asking->reply[asking->length] = '\0';
    *answer = asking->reply + 1;
    switch (asking->reply[0]) {
    case REPLY_PASSWORD:
        return PASSWORD_KNOWN;
    case REPLY_IMPOSSIBLE:
        return PASSWORD_IMPOSSIBLE;
    case REPLY_UNAVAILABLE:
        return PASSWORD_UNAVAILABLE;
    default:
        *answer = "was ended before it had answered";
        return PASSWORD_UNAVAILABLE;
    }
}

void password_asking_end(struct password_asking *asking) {
    if (asking->process == 0) {
        return;
    }
    (void)close(asking->reply_fd);
    (void)kill(asking->process, SIGTERM);
    (void)kill(asking->process, SIGCONT);
    while (waitpid(asking->process, NULL, 0) < 0 && errno == EINTR) {
    }
    explicit_bzero(asking->reply, REPLY_MOST + 1);
    free(asking->reply);
    *asking = (struct password_asking){.reply_fd = -1};
}
