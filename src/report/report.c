/*
 * The list of events with their level, and the two ways to write one. It owns the only writes to
 * standard error that are not a step's or a command's. The reader of our standard error may have
 * stopped reading, and neither PID 1 nor the holder of the lock may ever wait for it. So a line
 * that cannot be written at once is dropped and counted.
 */
#include "signalbox/report/report.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/json.h"
#include "signalbox/base/output.h"

static const struct {
    const char *name;
    enum report_level level;
} events[] = {
    [EVENT_USAGE] = {"usage", REPORT_ERROR},
    [EVENT_CONFIGURATION] = {"configuration", REPORT_ERROR},
    [EVENT_CONFIGURATION_NOTE] = {"configuration_note", REPORT_WARN},
    [EVENT_VARIABLE_UNKNOWN] = {"variable_unknown", REPORT_WARN},
    [EVENT_IDENTITY_TAKEN] = {"identity_taken", REPORT_INFO},
    [EVENT_IDENTITY_REFUSED] = {"identity_refused", REPORT_ERROR},
    [EVENT_COMMAND_RECOGNISED] = {"command_recognised", REPORT_INFO},
    [EVENT_WRAPPER_ASKED] = {"wrapper_asked", REPORT_INFO},
    [EVENT_WRAPPER_ANSWERED] = {"wrapper_answered", REPORT_INFO},
    [EVENT_WRAPPER_OUTPUT] = {"wrapper_output", REPORT_DEBUG},
    [EVENT_WRAPPER_FAILED] = {"wrapper_failed", REPORT_ERROR},
    [EVENT_RAILS_ASKED] = {"rails_asked", REPORT_INFO},
    [EVENT_RAILS_ANSWERED] = {"rails_answered", REPORT_INFO},
    [EVENT_DATABASE_REACHED] = {"database_reached", REPORT_INFO},
    [EVENT_DATABASE_UNREACHABLE] = {"database_unreachable", REPORT_WARN},
    [EVENT_DATABASE_CREATED] = {"database_created", REPORT_INFO},
    [EVENT_DATABASE_REFUSED] = {"database_refused", REPORT_ERROR},
    [EVENT_LEDGER_UNAVAILABLE] = {"ledger_unavailable", REPORT_WARN},
    [EVENT_LEDGER_LATE] = {"ledger_late", REPORT_WARN},
    [EVENT_LEDGER_MADE] = {"ledger_made", REPORT_INFO},
    [EVENT_NO_FINGERPRINT] = {"no_fingerprint", REPORT_WARN},
    [EVENT_LOCK_TAKEN] = {"lock_taken", REPORT_INFO},
    [EVENT_LOCK_LOST] = {"lock_lost", REPORT_ERROR},
    [EVENT_WAITING] = {"waiting", REPORT_INFO},
    [EVENT_RUNNER_DIED] = {"runner_died", REPORT_WARN},
    [EVENT_FENCED] = {"fenced", REPORT_WARN},
    [EVENT_STEP_STARTED] = {"step_started", REPORT_INFO},
    [EVENT_STEP_RUNNING] = {"step_running", REPORT_INFO},
    [EVENT_STEP_BLOCKED] = {"step_blocked", REPORT_WARN},
    [EVENT_STEP_TIMED_OUT] = {"step_timed_out", REPORT_ERROR},
    [EVENT_STEP_ENDED] = {"step_ended", REPORT_INFO},
    [EVENT_STEP_FAILED] = {"step_failed", REPORT_ERROR},
    [EVENT_STEP_RETRIED] = {"step_retried", REPORT_WARN},
    [EVENT_INDEX_INVALID] = {"index_invalid", REPORT_WARN},
    [EVENT_STEP_OUTPUT] = {"step_output", REPORT_ERROR},
    [EVENT_STEPS_ELSEWHERE] = {"steps_elsewhere", REPORT_WARN},
    [EVENT_SEEDS_IN_DOUBT] = {"seeds_in_doubt", REPORT_WARN},
    [EVENT_DEPLOY_TIMEOUT] = {"deploy_timeout", REPORT_WARN},
    [EVENT_PREPARED] = {"prepared", REPORT_INFO},
    [EVENT_ALREADY_PREPARED] = {"already_prepared", REPORT_INFO},
    [EVENT_PREPARE_FAILED] = {"prepare_failed", REPORT_ERROR},
    [EVENT_CANCELLED] = {"cancelled", REPORT_WARN},
    [EVENT_HOOK_STARTED] = {"hook_started", REPORT_INFO},
    [EVENT_HOOK_AWAITED] = {"hook_awaited", REPORT_INFO},
    [EVENT_HOOK_ENDED] = {"hook_ended", REPORT_INFO},
    [EVENT_HOOK_FAILED] = {"hook_failed", REPORT_WARN},
    [EVENT_PID_FILE_REMOVED] = {"pid_file_removed", REPORT_INFO},
    [EVENT_COMMAND_STARTED] = {"command_started", REPORT_INFO},
    [EVENT_COMMAND_NOT_STARTED] = {"command_not_started", REPORT_ERROR},
    [EVENT_SIGNAL_FORWARDED] = {"signal_forwarded", REPORT_INFO},
    [EVENT_SIGNAL_REFUSED] = {"signal_refused", REPORT_WARN},
    [EVENT_LEFTOVERS] = {"leftovers", REPORT_INFO},
    [EVENT_LEFTOVERS_OUT_OF_REACH] = {"leftovers_out_of_reach", REPORT_WARN},
    [EVENT_KERNEL_REFUSED] = {"kernel_refused", REPORT_WARN},
    [EVENT_COMMAND_STOPPED] = {"command_stopped", REPORT_INFO},
    [EVENT_COMMAND_ENDED] = {"command_ended", REPORT_INFO},
    [EVENT_OUT_OF_MEMORY] = {"out_of_memory", REPORT_ERROR},
    [EVENT_LINES_DROPPED] = {"lines_dropped", REPORT_WARN},
};
_Static_assert(ARRAY_LENGTH(events) == EVENT_COUNT, "every event has a row");

/* On a terminal such an event takes the place of the one before. */
static bool repeats_itself(enum event event) {
    return event == EVENT_WAITING || event == EVENT_STEP_RUNNING;
}

static const char *const level_names[] = {
    [REPORT_ERROR] = "error",
    [REPORT_WARN] = "warn",
    [REPORT_INFO] = "info",
    [REPORT_DEBUG] = "debug",
};

static struct {
    enum report_format format;
    enum report_level level;
    bool is_quiet;
    unsigned dropped;
    bool has_open_line; /* The cursor stands behind a line that another may replace. */
    char host[65];
    char release[129];
    char fingerprint[65];
} settings = {.level = REPORT_INFO};

/* A line under construction: what does not fit is left out, what ends it always fits. */
struct line {
    char data[PIPE_BUF];
    size_t used;
};

/* To the line's beginning, and away with what is longer (ECMA-48: CR and EL). */
#define LINE_REPLACING "\r"
#define LINE_CLEARED "\x1b[K"
enum { LINE_END_LENGTH = sizeof LINE_CLEARED };

static void line_append(struct line *line, const char *text) {
    size_t length = strlen(text);
    size_t room = sizeof line->data - LINE_END_LENGTH - line->used;
    if (length > room) {
        length = room;
    }
    memcpy(line->data + line->used, text, length);
    line->used += length;
}

static void line_append_member(struct line *line, const char *key, const char *value) {
    char quoted[PIPE_BUF / 2];
    char prefix[64];
    (void)snprintf(prefix, sizeof prefix, ",\"%s\":", key);
    size_t length = json_quote(value, quoted, sizeof quoted);
    /* A member that does not fit whole is left out: half of one would break the object. */
    if (line->used + strlen(prefix) + length + 1 + LINE_END_LENGTH > sizeof line->data) {
        return;
    }
    line_append(line, prefix);
    line_append(line, quoted);
}

static void line_append_number(struct line *line, const char *key, int64_t value) {
    char member[96];
    (void)snprintf(member, sizeof member, ",\"%s\":%lld", key, (long long)value);
    if (line->used + strlen(member) + 1 + LINE_END_LENGTH <= sizeof line->data) {
        line_append(line, member);
    }
}

static void format_time(char *buffer, size_t capacity) {
    struct timespec now;
    struct tm parts;
    char seconds[32];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) == NULL) {
        memset(&parts, 0, sizeof parts);
    }
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(buffer, capacity, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

static void line_end(struct line *line, const char *end) {
    memcpy(line->data + line->used, end, strlen(end));
    line->used += strlen(end);
}

static void write_line(struct line *line) {
    const struct iovec whole = {.iov_base = line->data, .iov_len = line->used};
    if (output_write(STDERR_FILENO, &whole, 1) < 0) {
        settings.dropped++;
    }
}

/* A message carries what a server or a kernel said: no byte of it may move the reader's cursor. */
static void make_printable(char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            *text = ' ';
        }
    }
}

static enum report_level level_of(enum event event, const struct event_fields *fields) {
    bool is_imposed = fields != NULL && fields->is_imposed;
    bool is_hushed = settings.is_quiet && !is_imposed && events[event].level == REPORT_INFO;
    return is_hushed ? REPORT_DEBUG : events[event].level;
}

static void compose_json(
    struct line *line, enum event event, const struct event_fields *fields, const char *message) {
    char at[48];
    format_time(at, sizeof at);
    line_append(line, "{\"event\":\"");
    line_append(line, events[event].name);
    line_append(line, "\"");
    line_append_member(line, "level", level_names[level_of(event, fields)]);
    line_append_member(line, "at", at);
    line_append_member(line, "host", report_host());
    if (settings.release[0] != '\0') {
        line_append_member(line, "release", settings.release);
    }
    if (settings.fingerprint[0] != '\0') {
        line_append_member(line, "fingerprint", settings.fingerprint);
    }
    if (fields != NULL) {
        if (fields->step != NULL) {
            line_append_member(line, "step", fields->step);
        }
        if (fields->holder != NULL) {
            line_append_member(line, "holder", fields->holder);
        }
        if (fields->run != 0) {
            line_append_number(line, "run", fields->run);
        }
        if (fields->elapsed_ms != 0) {
            line_append_number(line, "elapsed_ms", fields->elapsed_ms);
        }
        if (fields->has_exit_status) {
            line_append_number(line, "exit_status", fields->exit_status);
        }
    }
    line_append_member(line, "message", message);
    line_append(line, "}");
}

static void compose_text(struct line *line, enum event event, const char *message) {
    line_append(line, "signalbox: ");
    if (events[event].level == REPORT_WARN) {
        line_append(line, "warning: ");
    } else if (events[event].level == REPORT_ERROR) {
        line_append(line, "error: ");
    }
    line_append(line, message);
}

static bool is_in_place(void) {
    const char *terminal = getenv("TERM");
    return settings.format == REPORT_TEXT && terminal != NULL && terminal[0] != '\0' &&
        strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO) == 1;
}

/* The terminal's width, of which the last column stays free: a cursor behind it may have gone to
 * the next line. */
static size_t find_width(void) {
    enum { USUAL_COLUMNS = 80 };
    struct winsize size = {.ws_col = 0};
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return (is_known ? size.ws_col : USUAL_COLUMNS) - 1U;
}

/* Cuts a line to a number of characters, and never within one of UTF-8. */
static void line_cut(struct line *line, size_t width) {
    size_t characters = 0;
    for (size_t i = 0; i < line->used; i++) {
        bool continues = ((unsigned char)line->data[i] & 0xC0) == 0x80;
        if (!continues && characters++ == width) {
            line->used = i;
        }
    }
}

static void emit_in_place(enum event event, const char *message) {
    struct line words = {.used = 0};
    struct line line = {.used = 0};
    compose_text(&words, event, message);
    line_cut(&words, find_width());
    words.data[words.used] = '\0';
    line_append(&line, LINE_REPLACING);
    line_append(&line, words.data);
    line_end(&line, LINE_CLEARED);
    write_line(&line);
    settings.has_open_line = true;
}

static void emit(enum event event, const struct event_fields *fields, const char *message) {
    struct line line = {.used = 0};
    if (repeats_itself(event) && is_in_place()) {
        emit_in_place(event, message);
        return;
    }
    if (settings.has_open_line) {
        line_append(&line, "\n");
        settings.has_open_line = false;
    }
    switch (settings.format) {
    case REPORT_JSON:
        compose_json(&line, event, fields, message);
        break;
    case REPORT_TEXT:
        compose_text(&line, event, message);
        break;
    }
    line_end(&line, "\n");
    write_line(&line);
}

int64_t report_interval_ms(void) {
    return is_in_place() ? 1000 : 10000;
}

void report_clear_line(void) {
    if (settings.has_open_line) {
        struct line line = {.used = 0};
        line_append(&line, LINE_REPLACING);
        line_end(&line, LINE_CLEARED);
        write_line(&line);
        settings.has_open_line = false;
    }
}

void report_configure(enum report_format format, enum report_level level, const char *release) {
    settings.format = format;
    settings.level = level;
    settings.is_quiet = false;
    (void)snprintf(settings.release, sizeof settings.release, "%s", release == NULL ? "" : release);
}

void report_quieten(void) {
    settings.is_quiet = true;
}

void report_set_fingerprint(const char *fingerprint) {
    (void)snprintf(settings.fingerprint, sizeof settings.fingerprint, "%s", fingerprint);
}

const char *report_host(void) {
    if (settings.host[0] == '\0' && gethostname(settings.host, sizeof settings.host - 1) != 0) {
        (void)snprintf(settings.host, sizeof settings.host, "unknown");
    }
    return settings.host;
}

void report(enum event event, const struct event_fields *fields, const char *format, ...) {
    if (level_of(event, fields) > settings.level) {
        return;
    }
    if (settings.dropped > 0) {
        unsigned dropped = settings.dropped;
        char note[96];
        settings.dropped = 0;
        (void)snprintf(note, sizeof note,
            "%u lines were dropped, because standard error was not read", dropped);
        emit(EVENT_LINES_DROPPED, NULL, note);
        if (settings.dropped > 0) {
            settings.dropped += dropped;
            return;
        }
    }
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    make_printable(message);
    emit(event, fields, message);
}
