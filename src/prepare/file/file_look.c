/*
 * The look. Times are for people: what decides is the order of the runs, which the lock makes. A
 * clock that was set back shows as a run that ended just now, and never as a number below nothing.
 */
#include "prepare/file/file_look.h"
#include "signalbox/base/number.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TALLIED_MOST = 20 };

void file_look_format_moment(int64_t moment_ms, char formatted[RUN_MOMENT_LENGTH]) {
    time_t seconds = (time_t)(moment_ms / 1000);
    struct tm parts;
    char day_and_time[sizeof "2026-11-21T08:00:00"];
    formatted[0] = '\0';
    if (gmtime_r(&seconds, &parts) != NULL &&
        strftime(day_and_time, sizeof day_and_time, "%Y-%m-%dT%H:%M:%S", &parts) != 0) {
        (void)snprintf(formatted, RUN_MOMENT_LENGTH, "%s.%03uZ", day_and_time,
            (unsigned)(moment_ms % 1000) % 1000U);
    }
}

/* To the second; `otherwise_ms` for what is no moment. */
static int64_t moment_read(const char *text, int64_t otherwise_ms) {
    struct tm parts = {.tm_isdst = 0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    return end == NULL ? otherwise_ms : (int64_t)timegm(&parts) * 1000;
}

#define COPY_FIELD(place, run, column)                                                             \
    (void)snprintf(place, sizeof(place), "%s", (run)->fields[column])

void file_look_read_run(const struct file_run *run, int64_t now_ms, struct run *read) {
    int64_t exit_status = 0;
    int64_t tries = 0;
    bool has_finished = run->fields[COLUMN_FINISHED][0] != '\0';
    int64_t since_ms =
        moment_read(run->fields[has_finished ? COLUMN_FINISHED : COLUMN_STARTED], now_ms);
    *read = (struct run){
        .id = file_ledger_run_id(run),
        .state = file_ledger_run_state(run),
        .age_ms = since_ms < now_ms ? now_ms - since_ms : 0,
    };
    read->has_exit_status = number_parse(run->fields[COLUMN_EXIT_STATUS], 0, 255, &exit_status);
    read->exit_status = (int)exit_status;
    read->tries = number_parse(run->fields[COLUMN_TRIES], 0, INT32_MAX, &tries) ? (int)tries : 0;
    COPY_FIELD(read->started, run, COLUMN_STARTED);
    COPY_FIELD(read->finished, run, COLUMN_FINISHED);
    COPY_FIELD(read->fingerprint, run, COLUMN_FINGERPRINT);
    COPY_FIELD(read->release, run, COLUMN_RELEASE);
    COPY_FIELD(read->host, run, COLUMN_HOST);
    COPY_FIELD(read->step, run, COLUMN_STEP);
    COPY_FIELD(read->output, run, COLUMN_OUTPUT);
    COPY_FIELD(read->elsewhere, run, COLUMN_ELSEWHERE);
}

/* What the runs of one fingerprint have been, from the newest back. */
struct tally {
    int seen;
    bool are_failures_over;
    bool are_deaths_over;
};

static void count(const struct run *run, struct tally *tally, struct look *look) {
    if (tally->seen++ >= TALLIED_MOST) {
        return;
    }
    switch (run->state) {
    case RUN_SUCCEEDED:
        tally->are_failures_over = true;
        tally->are_deaths_over = true;
        break;
    case RUN_FAILED:
        look->failures += tally->are_failures_over ? 0 : 1;
        tally->are_deaths_over = true;
        break;
    case RUN_INTERRUPTED:
        look->deaths += !tally->are_deaths_over && run->exit_status > 128 ? 1 : 0;
        break;
    case RUN_NONE:
    case RUN_RUNNING:
        break;
    }
}

void file_look_newest(
    const struct file_ledger *ledger, const char *fingerprint, int64_t now_ms, struct look *look) {
    struct tally tally = {.seen = 0};
    *look = (struct look){.newest = {.state = RUN_NONE}};
    for (size_t i = ledger->count; i-- > 0;) {
        struct run run;
        file_look_read_run(&ledger->runs[i], now_ms, &run);
        if (strcmp(run.fingerprint, fingerprint) == 0) {
            look->newest = look->newest.id == 0 ? run : look->newest;
            count(&run, &tally, look);
        }
        if (run.state == RUN_RUNNING) {
            look->holder = look->holder.id == 0 ? run : look->holder;
        } else if (look->unfinished.id == 0 &&
            strcmp(ledger->runs[i].fields[COLUMN_INITIALISES], "t") == 0) {
            look->unfinished = run;
        }
        if (run.state == RUN_SUCCEEDED && look->latest.id == 0) {
            look->latest = run;
        }
    }
    if (look->latest.id != 0) {
        look->unfinished = (struct run){.state = RUN_NONE};
    }
}

void file_look_list(const struct file_ledger *ledger, int64_t now_ms, struct history *history) {
    for (size_t i = ledger->count; i-- > 0 && history->count < HISTORY_MOST;) {
        file_look_read_run(&ledger->runs[i], now_ms, &history->runs[history->count++]);
    }
}
