/*
 * One run of the wrapper with ourselves behind it. It watches four things at once: our signals, the
 * socket by which the answer comes, the wrapper's output, and the wrapper's end. A wrapper may go
 * on after its command has ended, so the answer alone does not end the run. Every process can read
 * the words that are given to a program, so any process could connect: only a descendant of ours is
 * let in.
 */
#include "signalbox/command/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "command/reply_format.h"
#include "command/reply_socket.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/spawn.h"
#include "signalbox/process/termination.h"

enum { OUTPUT_KEPT = 65536, CONNECTIONS_WAITING = 8 };

struct asking {
    const struct wrapper_question *question;
    pid_t process; /* 0 once it has been reaped. */
    pid_t session; /* Stays, for what it leaves behind. */
    int wait_status;
    int listener_fd; /* -1 once it is not needed. */
    int peer_fd;     /* -1 while there is no connection. */
    int output_fd;   /* -1 once it has ended. */
    struct text received;
    struct text *output;
    struct wrapper_answer *answer;
    bool has_answer;
    bool was_cancelled;
    bool timed_out;
    bool overstayed; /* It went on when its command had ended. */
    struct termination termination;
    int64_t patience_ms; /* Until the answer must have come, and after that, until the wrapper must
                            have ended. */
};

static void close_fd(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* Our own program's path: without /proc as it was called, made absolute. */
static bool find_self(char *path, size_t capacity) {
    static const char deleted[] = " (deleted)";
    ssize_t length = readlink("/proc/self/exe", path, capacity - 1);
    if (length > 0) {
        path[length] = '\0';
        size_t end = sizeof deleted - 1;
        if ((size_t)length > end && strcmp(path + (size_t)length - end, deleted) == 0) {
            /* Another version may have been put in its place. */
            path[(size_t)length - end] = '\0';
        }
        return true;
    }
    /* The kernel's own pointer, as the C library hands it on.
     * NOLINTNEXTLINE(performance-no-int-to-ptr) */
    const char *called = (const char *)getauxval(AT_EXECFN);
    char directory[PATH_MAX] = "";
    if (called == NULL || (called[0] != '/' && getcwd(directory, sizeof directory) == NULL)) {
        return false;
    }
    int written = snprintf(path, capacity, "%s%s%s", called[0] == '/' ? "" : directory,
        called[0] == '/' ? "" : "/", called);
    return written > 0 && (size_t)written < capacity;
}

/* The first part of the path that others than its owner may not pass, or NULL. */
static const char *find_barrier(char *path) {
    for (char *end = path + 1;; end++) {
        struct stat status;
        char byte = *end;
        if (byte != '/' && byte != '\0') {
            continue;
        }
        *end = '\0';
        if (stat(path, &status) != 0 || (status.st_mode & S_IXOTH) == 0) {
            return path;
        }
        if (byte == '\0') {
            return NULL;
        }
        *end = byte;
    }
}

static bool make_word(char *word, size_t capacity) {
    unsigned char bytes[REPLY_NONCE_LENGTH / 2];
    char digits[REPLY_NONCE_LENGTH + 1];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    hex_write(bytes, sizeof bytes, digits);
    (void)snprintf(word, capacity, "%s%s", MEETING_WORD, digits);
    return true;
}

static bool listen_for(struct asking *asking, const char *word) {
    struct sockaddr_un address;
    socklen_t length = reply_socket_address(reply_socket_nonce(word), &address);
    asking->listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return asking->listener_fd >= 0 &&
        bind(asking->listener_fd, (const struct sockaddr *)&address, length) == 0 &&
        listen(asking->listener_fd, CONNECTIONS_WAITING) == 0;
}

static int start(struct asking *asking, struct wrapper_silence *silence) {
    char self[PATH_MAX];
    char word[sizeof MEETING_WORD + REPLY_NONCE_LENGTH];
    int ends[2];
    AUTO_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    AUTO_STRING_LIST struct string_list argv = {.items = NULL};
    if (!find_self(self, sizeof self)) {
        (void)snprintf(silence->why, sizeof silence->why,
            "without /proc Signalbox cannot find its own program, which must run behind it");
        return -1;
    }
    if (!make_word(word, sizeof word) || !listen_for(asking, word) || pipe2(ends, O_CLOEXEC) != 0) {
        (void)snprintf(silence->why, sizeof silence->why, "cannot open a socket for its answer: %s",
            strerror(errno));
        return -1;
    }
    asking->output_fd = ends[0];
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    context_wrap(asking->question->around, (char *const[]){self, word}, 2, &argv);
    struct spawn_request request = {
        .argv = argv.items,
        .environment = asking->question->environment,
        .stdin_fd = null_fd,
        .stdout_fd = ends[1],
        .stderr_fd = ends[1],
        .group = SPAWN_OWN_SESSION,
        .die_with_parent = true,
        .signals = asking->question->inheritance,
    };
    struct error error;
    int result = spawn_process(&request, &asking->process, &error);
    (void)close(ends[1]);
    asking->session = asking->process;
    if (result != 0) {
        (void)snprintf(silence->why, sizeof silence->why, "%.300s", error.text);
    }
    return result;
}

static void accept_peer(struct asking *asking) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    asking->peer_fd = accept4(asking->listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (asking->peer_fd >= 0 &&
        (getsockopt(asking->peer_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 ||
            !descendants_have(peer.pid))) {
        close_fd(&asking->peer_fd);
    }
}

static void take_answer(struct asking *asking) {
    close_fd(&asking->peer_fd);
    if (reply_format_read(text_string(&asking->received), asking->received.length,
            asking->answer) == REPLY_WHOLE) {
        asking->has_answer = true;
        asking->patience_ms = deadline_after_ms(asking->question->grace_ms);
        close_fd(&asking->listener_fd);
    }
    text_release(&asking->received);
}

static void read_answer(struct asking *asking) {
    char buffer[16384];
    ssize_t length = read(asking->peer_fd, buffer, sizeof buffer);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (length <= 0) {
        take_answer(asking);
        return;
    }
    text_append(&asking->received, buffer, (size_t)length);
    if (asking->received.length > REPLY_LENGTH_MOST) {
        close_fd(&asking->peer_fd);
        text_release(&asking->received);
    }
}

/* False where nothing is there at the moment. */
static bool read_output(struct asking *asking) {
    char buffer[4096];
    struct text *output = asking->output;
    ssize_t length = read(asking->output_fd, buffer, sizeof buffer);
    if (length < 0 && errno == EINTR) {
        return true;
    }
    if (length <= 0) {
        if (length == 0 || errno != EAGAIN) {
            close_fd(&asking->output_fd);
        }
        return false;
    }
    text_append(output, buffer, (size_t)length);
    if (output->length > 2 * (size_t)OUTPUT_KEPT) {
        memmove(output->data, output->data + output->length - OUTPUT_KEPT, OUTPUT_KEPT);
        output->length = OUTPUT_KEPT;
        output->data[output->length] = '\0';
    }
    return true;
}

static void act_on_ending(const struct asking *asking, enum termination_action action) {
    switch (action) {
    case TERMINATION_WAIT:
        return;
    case TERMINATION_SEND_TERM:
        (void)descendants_signal(asking->session, SIGTERM, NULL);
        return;
    case TERMINATION_SEND_KILL:
        (void)descendants_signal(asking->session, SIGKILL, NULL);
        return;
    }
}

static void begin_ending(struct asking *asking) {
    int64_t now_ms = clock_now_ms();
    asking->patience_ms = DEADLINE_NEVER;
    act_on_ending(asking,
        termination_begin(
            &asking->termination, now_ms, deadline_later_ms(now_ms, asking->question->grace_ms)));
}

/* The wrapper itself has ended. What it leaves behind may still answer, unless it has failed. */
static void take_end(struct asking *asking) {
    if (asking->has_answer || (asking->wait_status != 0 && asking->peer_fd < 0)) {
        begin_ending(asking);
    } else {
        asking->patience_ms =
            deadline_earlier(asking->patience_ms, deadline_after_ms(asking->question->grace_ms));
    }
}

/* Decides what the last wake-up means; false when nothing of it is left. */
static bool tend(struct asking *asking) {
    const struct interrupt *interrupt = asking->question->interrupt;
    bool was_running = asking->process != 0;
    if (!reap_children(&asking->process, &asking->wait_status)) {
        return false;
    }
    if (interrupt->cancelled(interrupt->argument) && !asking->was_cancelled) {
        asking->was_cancelled = true;
        begin_ending(asking);
    }
    if (deadline_passed(asking->patience_ms)) {
        asking->timed_out = !asking->has_answer && asking->process != 0;
        asking->overstayed = asking->has_answer && asking->process != 0;
        begin_ending(asking);
    }
    if (was_running && asking->process == 0) {
        take_end(asking);
    }
    act_on_ending(asking, termination_due(&asking->termination, clock_now_ms()));
    return true;
}

static void wait_for_more(struct asking *asking) {
    struct pollfd descriptors[] = {
        {.fd = asking->question->interrupt->fd, .events = POLLIN},
        {.fd = asking->peer_fd < 0 ? asking->listener_fd : -1, .events = POLLIN},
        {.fd = asking->peer_fd, .events = POLLIN},
        {.fd = asking->output_fd, .events = POLLIN},
    };
    int64_t deadline_ms =
        deadline_earlier(asking->patience_ms, termination_deadline_ms(&asking->termination));
    if (poll(descriptors, ARRAY_LENGTH(descriptors), deadline_poll_timeout_ms(deadline_ms)) <= 0) {
        return;
    }
    if (descriptors[1].revents != 0) {
        accept_peer(asking);
    }
    if (descriptors[2].revents != 0) {
        read_answer(asking);
    }
    if (descriptors[3].revents != 0) {
        (void)read_output(asking);
    }
}

static void explain_silence(const struct asking *asking, struct wrapper_silence *silence) {
    char self[PATH_MAX];
    AUTO_TEXT struct text why = {.data = NULL};
    const char *barrier = find_self(self, sizeof self) ? find_barrier(self) : NULL;
    if (asking->timed_out) {
        text_append_format(&why, "it did not answer within %s",
            duration_describe(asking->question->timeout_ms).string);
    } else if (WIFSIGNALED(asking->wait_status)) {
        text_append_format(&why, "it was ended by %s", signals_name(WTERMSIG(asking->wait_status)));
    } else {
        text_append_format(&why, "it ended with status %d%s",
            exit_status_from_wait(asking->wait_status),
            asking->wait_status == 0 ? " without having run what stands behind it" : "");
    }
    if (barrier != NULL) {
        text_append_format(&why, " (only its owner may run %.120s)", barrier);
    }
    (void)snprintf(silence->why, sizeof silence->why, "%s", text_string(&why));
}

enum wrapper_asked ask_wrapper(const struct wrapper_question *question,
    struct wrapper_answer *answer, struct wrapper_silence *silence) {
    *answer = (struct wrapper_answer){.directory = NULL};
    *silence = (struct wrapper_silence){.why = ""};
    struct asking asking = {
        .question = question,
        .listener_fd = -1,
        .peer_fd = -1,
        .output_fd = -1,
        .output = &silence->output,
        .answer = answer,
        .patience_ms = deadline_after_ms(question->timeout_ms),
    };
    termination_initialise(&asking.termination);
    bool has_started = start(&asking, silence) == 0;
    while (has_started && tend(&asking)) {
        wait_for_more(&asking);
    }
    while (asking.output_fd >= 0 && read_output(&asking)) {
    }
    close_fd(&asking.output_fd);
    close_fd(&asking.listener_fd);
    close_fd(&asking.peer_fd);
    text_release(&asking.received);
    if (asking.was_cancelled) {
        return WRAPPER_CANCELLED;
    }
    if (has_started && !asking.has_answer) {
        explain_silence(&asking, silence);
    }
    answer->overstayed = asking.overstayed;
    return asking.has_answer ? WRAPPER_ANSWERED : WRAPPER_SILENT;
}

void ask_release_answer(struct wrapper_answer *answer) {
    string_list_release(&answer->environment);
    free(answer->directory);
    answer->directory = NULL;
}

void ask_release_silence(struct wrapper_silence *silence) {
    text_release(&silence->output);
}
