/*
 * Printing how this image's content stands. The keys of the object are a promise to scripts: they
 * are all there whatever came out, null where nothing is known.
 */
#include "signalbox/cli/status.h"

#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/json.h"
#include "signalbox/base/text.h"
#include "signalbox/prepare/readiness.h"

static const char *or_null(const char *value) {
    return value[0] == '\0' ? NULL : value;
}

static void append_run(const struct run *run, struct text *page) {
    json_object_begin(page, NULL);
    json_integer(page, "id", run->id);
    json_string(page, "fingerprint", run->fingerprint);
    json_string(page, "release", or_null(run->release));
    json_string(page, "state", run_state_name(run->state));
    json_string(page, "host", run->host);
    json_string(page, "started", or_null(run->started));
    json_string(page, "finished", or_null(run->finished));
    if (run->has_exit_status) {
        json_integer(page, "exit_status", run->exit_status);
    } else {
        json_null(page, "exit_status");
    }
    json_string(page, "step", or_null(run->step));
    json_string(page, "elsewhere", or_null(run->elsewhere));
    if (run->tries > 0) {
        json_integer(page, "tries", run->tries);
    } else {
        json_null(page, "tries");
    }
    json_object_end(page);
}

static void status_as_json(const struct readiness *readiness, struct text *page) {
    const struct lock_holder *lock = &readiness->history.lock;
    json_object_begin(page, NULL);
    json_string(page, "fingerprint", or_null(readiness->fingerprint));
    json_boolean(page, "prepared", readiness->is_prepared);
    json_string(page, "why", readiness->why);
    json_object_begin(page, "lock");
    if (readiness->is_known) {
        json_boolean(page, "held", lock->is_held);
    } else {
        json_null(page, "held");
    }
    json_string(page, "by", or_null(lock->by));
    json_string(page, "since", or_null(lock->since));
    json_object_end(page);
    json_array_begin(page, "runs");
    for (size_t i = 0; i < readiness->history.count; i++) {
        append_run(&readiness->history.runs[i], page);
    }
    json_array_end(page);
    json_object_end(page);
    text_append_string(page, "\n");
}

static void append_lock(const struct lock_holder *lock, struct text *page) {
    AUTO_TEXT struct text value = {.data = NULL};
    text_append_string(&value, lock->is_held ? "held" : "free");
    if (lock->by[0] != '\0') {
        text_append_format(&value, " by %s", lock->by);
    }
    if (lock->since[0] != '\0') {
        text_append_format(&value, " since %s", lock->since);
    }
    page_line(page, "lock", text_string(&value), PAGE_PLAIN);
}

static enum page_colour colour_of_run(const struct run *run) {
    if (run->state == RUN_SUCCEEDED) {
        return run->elsewhere[0] == '\0' ? PAGE_GOOD : PAGE_BAD;
    }
    return run->state == RUN_FAILED ? PAGE_BAD : PAGE_PLAIN;
}

static size_t widest_host(const struct history *history) {
    size_t widest = strlen("host");
    for (size_t i = 0; i < history->count; i++) {
        size_t length = strlen(history->runs[i].host);
        widest = length > widest ? length : widest;
    }
    return widest;
}

static void append_runs(const struct readiness *readiness, struct text *page) {
    const struct history *history = &readiness->history;
    int width = (int)widest_host(history);
    for (size_t i = 0; i < history->count; i++) {
        const struct run *run = &history->runs[i];
        AUTO_TEXT struct text value = {.data = NULL};
        text_append_format(&value, "%6lld  %-11s  %-*s  %-24s  %-24s", (long long)run->id,
            run_state_name(run->state), width, run->host, run->started,
            run->finished[0] == '\0' ? "-" : run->finished);
        text_append_format(&value, "  %s",
            strcmp(run->fingerprint, readiness->fingerprint) == 0 ? "this content"
                                                                  : "other content");
        if (run->release[0] != '\0') {
            text_append_format(&value, ", release %s", run->release);
        }
        if (run->has_exit_status && run->exit_status != 0) {
            text_append_format(&value, ", status %d in `%s`", run->exit_status, run->step);
        }
        if (run->tries > 1) {
            text_append_format(&value, ", %d tries", run->tries);
        }
        if (run->elsewhere[0] != '\0') {
            text_append_format(&value, ", does not count: %s", run->elsewhere);
        }
        page_line(page, i == 0 ? "runs" : "", text_string(&value), colour_of_run(run));
    }
}

static void status_as_text(const struct readiness *readiness, struct text *page) {
    AUTO_TEXT struct text value = {.data = NULL};
    text_append_format(&value, "%s: %s", readiness->is_prepared ? "yes" : "no", readiness->why);
    page_line(page, "prepared", text_string(&value), readiness->is_prepared ? PAGE_GOOD : PAGE_BAD);
    if (readiness->database.length > 0) {
        page_line(page, "database", text_string(&readiness->database), PAGE_PLAIN);
    }
    page_line(page, "fingerprint",
        readiness->fingerprint[0] == '\0' ? "none" : readiness->fingerprint, PAGE_PLAIN);
    if (readiness->is_known) {
        append_lock(&readiness->history.lock, page);
        append_runs(readiness, page);
    }
}

int status_run(void *argument) {
    const struct status_request *request = argument;
    AUTO_TEXT struct text page = {.data = NULL};
    struct readiness readiness;
    struct error error;
    int exit_status = readiness_find(request->prepare, &readiness, &error) != 0 ? error.exit_status
        : readiness.is_prepared ? EXIT_STATUS_SUCCESS
                                : EXIT_STATUS_NOT_PREPARED;
    switch (request->format) {
    case REPORT_TEXT:
        status_as_text(&readiness, &page);
        break;
    case REPORT_JSON:
        status_as_json(&readiness, &page);
        break;
    }
    readiness_release(&readiness);
    return fputs(text_string(&page), stdout) == EOF || fflush(stdout) == EOF ? EXIT_STATUS_SYSTEM
                                                                             : exit_status;
}
