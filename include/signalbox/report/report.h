/*
 * What Signalbox says while it works: one event, one line, one write to standard error, as text for
 * a person or as a JSON object for a log collector. report/report.c lists every event with its
 * level. Nothing here ever blocks: a line is written only when the descriptor takes it, and is
 * otherwise counted and the count told later. A line is at most PIPE_BUF bytes. On a terminal the
 * words of a wait stay on one line and change there.
 */
#ifndef SIGNALBOX_REPORT_REPORT_H
#define SIGNALBOX_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

enum report_level { REPORT_ERROR, REPORT_WARN, REPORT_INFO, REPORT_DEBUG };
enum report_format { REPORT_TEXT, REPORT_JSON };

enum event {
    EVENT_USAGE,
    EVENT_CONFIGURATION,
    EVENT_CONFIGURATION_NOTE,
    EVENT_VARIABLE_UNKNOWN,
    EVENT_IDENTITY_TAKEN,
    EVENT_IDENTITY_REFUSED,
    EVENT_COMMAND_RECOGNISED,
    EVENT_WRAPPER_ASKED,
    EVENT_WRAPPER_ANSWERED,
    EVENT_WRAPPER_OUTPUT,
    EVENT_WRAPPER_FAILED,
    EVENT_RAILS_ASKED,
    EVENT_RAILS_ANSWERED,
    EVENT_DATABASE_REACHED,
    EVENT_DATABASE_UNREACHABLE,
    EVENT_DATABASE_CREATED,
    EVENT_DATABASE_REFUSED,
    EVENT_LEDGER_UNAVAILABLE,
    EVENT_LEDGER_LATE,
    EVENT_LEDGER_MADE,
    EVENT_NO_FINGERPRINT,
    EVENT_LOCK_TAKEN,
    EVENT_LOCK_LOST,
    EVENT_WAITING,
    EVENT_RUNNER_DIED,
    EVENT_FENCED,
    EVENT_STEP_STARTED,
    EVENT_STEP_RUNNING,
    EVENT_STEP_BLOCKED,
    EVENT_STEP_TIMED_OUT,
    EVENT_STEP_ENDED,
    EVENT_STEP_FAILED,
    EVENT_STEP_RETRIED,
    EVENT_INDEX_INVALID,
    EVENT_STEP_OUTPUT,
    EVENT_STEPS_ELSEWHERE,
    EVENT_SEEDS_IN_DOUBT,
    EVENT_DEPLOY_TIMEOUT,
    EVENT_PREPARED,
    EVENT_ALREADY_PREPARED,
    EVENT_PREPARE_FAILED,
    EVENT_CANCELLED,
    EVENT_HOOK_STARTED,
    EVENT_HOOK_AWAITED,
    EVENT_HOOK_ENDED,
    EVENT_HOOK_FAILED,
    EVENT_PID_FILE_REMOVED,
    EVENT_COMMAND_STARTED,
    EVENT_COMMAND_NOT_STARTED,
    EVENT_SIGNAL_FORWARDED,
    EVENT_SIGNAL_REFUSED,
    EVENT_LEFTOVERS,
    EVENT_LEFTOVERS_OUT_OF_REACH,
    EVENT_KERNEL_REFUSED,
    EVENT_COMMAND_STOPPED,
    EVENT_COMMAND_ENDED,
    EVENT_OUT_OF_MEMORY,
    EVENT_LINES_DROPPED,
    EVENT_COUNT
};

/* What an event may carry beside its message; zero and NULL mean that it does not. */
struct event_fields {
    const char *step;
    const char *holder;
    int64_t run;
    int64_t elapsed_ms;
    bool has_exit_status;
    int exit_status;
    bool is_imposed; /* Befell the command, and was not its own doing. See report_quieten. */
};

/* Before the first event: how to write and how much. `release` may be NULL; it is copied. */
void report_configure(enum report_format format, enum report_level level, const char *release);

/* Nothing is prepared, and the terminal or the pipe is the command's: from now on what is info is
 * said at debug only, but for what is imposed on the command. */
void report_quieten(void);

/* Every later event carries it; copied. */
void report_set_fingerprint(const char *fingerprint);

/* The short name of this replica: the host name of its UTS namespace. */
const char *report_host(void);

/* How long until an event that repeats itself (waiting, step_running) is said again: ten seconds
 * where each adds a line, one where it takes the place of the one before, as text on a terminal
 * does that can. */
int64_t report_interval_ms(void);

/* Before anything else is written where standard error goes: takes away a line that another could
 * have replaced. An event that follows lets it stand. */
void report_clear_line(void);

/* `fields` may be NULL. The message is one line; control characters in it are escaped. */
void report(enum event event, const struct event_fields *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
