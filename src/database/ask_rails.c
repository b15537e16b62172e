/*
 * The asking: two commands, one after the other, each in a session of its own with a deadline.
 * Their output is read here and never passed on, because it may contain anything. Rails may start a
 * process that stays, so all of its processes are killed before the answer is used.
 */
#include "signalbox/database/ask_rails.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "database/answer.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/process/descendants.h"
#include "signalbox/process/reap.h"
#include "signalbox/process/spawn.h"

enum { OUTPUT_MOST = 1 << 20, LOOK_AGAIN_MS = 50, KILLING_MOST_MS = 2000 };

struct asking {
    const struct rails_question *question;
    pid_t process; /* 0 once it has been reaped. */
    pid_t session;
    int wait_status;
    int output_fd; /* -1 once it has ended. */
    struct text output;
    bool was_cancelled;
    bool timed_out;
};

static int start(struct asking *asking, char *const argv[], struct error *error) {
    int ends[2];
    AUTO_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_set(error, EXIT_STATUS_SYSTEM, "no pipe to ask Rails through: %s", strerror(errno));
        return -1;
    }
    struct spawn_request request = {
        .argv = argv,
        .environment = asking->question->environment,
        .stdin_fd = null_fd,
        .stdout_fd = ends[1],
        .stderr_fd = null_fd,
        .group = SPAWN_OWN_SESSION,
        .die_with_parent = true,
        .signals = asking->question->inheritance,
    };
    AUTO_FD int output_fd = ends[0];
    int result = spawn_process(&request, &asking->process, error);
    (void)close(ends[1]);
    if (result != 0) {
        return -1;
    }
    asking->output_fd = take_fd(&output_fd);
    asking->session = asking->process;
    return 0;
}

static void read_output(struct asking *asking) {
    char buffer[4096];
    ssize_t length = read(asking->output_fd, buffer, sizeof buffer);
    if (length < 0 && errno == EINTR) {
        return;
    }
    if (length <= 0) {
        (void)close(asking->output_fd);
        asking->output_fd = -1;
        return;
    }
    /* Longer output is no answer; the rest is read so that the process can end. */
    if (asking->output.length < OUTPUT_MOST) {
        text_append(&asking->output, buffer, (size_t)length);
    }
}

/* Until the program has ended and its output with it, or it has to be ended. */
static void attend(struct asking *asking) {
    const struct interrupt *interrupt = asking->question->interrupt;
    int64_t deadline_ms = deadline_after_ms(asking->question->timeout_ms);
    while (asking->process != 0) {
        /* The signal descriptor tells of its end too; looking again is for callers without one. */
        struct pollfd descriptors[2] = {
            {.fd = asking->output_fd, .events = POLLIN},
            {.fd = interrupt == NULL ? -1 : interrupt->fd, .events = POLLIN},
        };
        int64_t wake_ms = deadline_earlier(deadline_ms, deadline_after_ms(LOOK_AGAIN_MS));
        int ready = poll(descriptors, 2, deadline_poll_timeout_ms(wake_ms));
        if (ready > 0 && descriptors[0].revents != 0) {
            read_output(asking);
        }
        if (ready > 0 && descriptors[1].revents != 0 && interrupt != NULL &&
            interrupt->cancelled(interrupt->argument)) {
            asking->was_cancelled = true;
            return;
        }
        if (deadline_passed(deadline_ms)) {
            asking->timed_out = true;
            return;
        }
        (void)reap_children(&asking->process, &asking->wait_status);
    }
}

/* Nothing of it may go on: there is nothing to save in a process that was only asked. */
static void end(struct asking *asking) {
    while (asking->output_fd >= 0 && asking->process == 0) {
        struct pollfd rest = {.fd = asking->output_fd, .events = POLLIN};
        if (poll(&rest, 1, 0) != 1) {
            break;
        }
        read_output(asking);
    }
    /* What a KILL does not end, a program of another user or one that hangs in the kernel, is left
     * to who ends what this process leaves behind. */
    int64_t give_up_ms = deadline_after_ms(KILLING_MOST_MS);
    int pause_ms = 1;
    while (reap_children(&asking->process, &asking->wait_status) && !deadline_passed(give_up_ms)) {
        (void)descendants_signal(asking->session, SIGKILL, NULL);
        (void)poll(NULL, 0, pause_ms);
        pause_ms = pause_ms < LOOK_AGAIN_MS ? pause_ms * 2 : pause_ms;
    }
    if (asking->output_fd >= 0) {
        (void)close(asking->output_fd);
        asking->output_fd = -1;
    }
}

static enum rails_answer ask(const struct rails_question *question, char *const argv[],
    const char *marker, struct databases *databases, struct error *error) {
    struct asking asking = {.question = question, .output_fd = -1};
    struct reading_note reading_note;
    enum rails_answer answer = RAILS_FAILED;
    if (start(&asking, argv, error) != 0) {
        return RAILS_FAILED;
    }
    attend(&asking);
    end(&asking);
    if (asking.was_cancelled) {
        answer = RAILS_CANCELLED;
    } else if (asking.timed_out) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "Rails did not answer within %s",
            duration_describe(question->timeout_ms).string);
    } else if (answer_read(&asking.output, marker, databases, &reading_note) == READ_WELL) {
        answer = RAILS_ANSWERED;
    } else {
        error_set(error, EXIT_STATUS_CONFIGURATION, "Rails was asked, and %s", reading_note.what);
    }
    text_release(&asking.output);
    return answer;
}

/* A word that nothing which Rails prints by itself can begin with. */
static void make_marker(char *marker, size_t capacity) {
    unsigned char bytes[8] = {0};
    char digits[2 * sizeof bytes + 1];
    (void)!getrandom(bytes, sizeof bytes, 0);
    hex_write(bytes, sizeof bytes, digits);
    (void)snprintf(marker, capacity, "signalbox-%s", digits);
}

struct way {
    const char *words[3];
    const char *load;
    bool initializes;
};

static enum rails_answer ask_by(const struct rails_question *question, const struct way *way,
    struct databases *databases, struct error *error) {
    AUTO_TEXT struct text script = {.data = NULL};
    char marker[32];
    char quoted[40];
    make_marker(marker, sizeof marker);
    (void)snprintf(quoted, sizeof quoted, "'%s'", marker);
    answer_script(quoted, way->load, &script);
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"cd \"$0\" && exec \"$@\"",
        (char *)question->directory, (char *)way->words[0], (char *)way->words[1], script.data,
        NULL};
    char *const *words = strcmp(question->directory, ".") == 0 ? argv + 4 : argv;
    *databases = (struct databases){.items = NULL};
    return ask(question, words, marker, databases, error);
}

enum rails_answer ask_rails_databases(
    const struct rails_question *question, struct databases *databases, struct error *error) {
    static const struct way application = {{"ruby", "-e", NULL},
        "require './config/application'\n"
        "  require 'active_record'\n"
        "  require 'active_record/database_configurations'\n"
        "  configurations = ActiveRecord::DatabaseConfigurations.new("
        "Rails.application.config.database_configuration)",
        false};
    /* What `db:prepare` itself does first. */
    static const struct way environment = {{"ruby", "-e", NULL},
        "require './config/application'\n"
        "  app = Rails.application\n"
        "  ActiveSupport.on_load(:before_initialize) "
        "{ app.config.eager_load = app.config.rake_eager_load }\n"
        "  app.require_environment!\n"
        "  configurations = ActiveRecord::Base.configurations",
        true};
    static const struct way runner = {{"./bin/rails", "runner", NULL},
        "configurations = ActiveRecord::Base.configurations", true};
    const struct way *const ways[] = {
        question->needs_initializers ? &environment : &application,
        question->needs_initializers ? &runner : &environment,
        question->needs_initializers ? &application : &runner,
    };
    enum rails_answer answer = RAILS_FAILED;
    struct error first = {.exit_status = 0};
    size_t asked = 0;
    for (; asked < ARRAY_LENGTH(ways) && answer == RAILS_FAILED; asked++) {
        answer = ask_by(question, ways[asked], databases, error);
        first = asked == 0 ? *error : first;
    }
    if (answer == RAILS_FAILED) {
        /* The first way's reason is about the configuration; the others die of more. */
        *error = first;
    }
    if (answer == RAILS_ANSWERED && question->needs_initializers && !ways[asked - 1]->initializes) {
        AUTO_TEXT struct text warning = {.data = NULL};
        text_append_format(&warning,
            "%.200s; it answered without its initializers, so what those set is not known",
            first.text);
        string_list_append(&databases->warnings, text_string(&warning));
    }
    return answer;
}
