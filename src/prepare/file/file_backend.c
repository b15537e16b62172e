/*
 * Lock and ledger in files, put together. Nothing is fenced here: the steps have inherited the
 * lock, so the process that gets it knows that no earlier step is alive. A ledger that cannot be
 * read is left alone: every replica then runs the steps, one after the other, and the file is never
 * overwritten, because a person may want to see what happened to it.
 */
#include "prepare/file/file_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "prepare/file/file_ledger.h"
#include "prepare/file/file_look.h"
#include "prepare/file/file_place.h"
#include "prepare/file/sqlite_files.h"
#include "prepare/protocol/without_server.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/file.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/process/interrupt.h"
#include "signalbox/report/report.h"

enum {
    LEDGER_MOST = 64 << 20, /* Eleven hundred runs of 4 kB are a tenth of it. */
    RECORD_MS = 30000,
    FAREWELL_MS = 2000,
    RECORD_PAUSE_MS = 250
};

static int64_t time_of_day_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Without a ledger the protocol still holds: every replica runs the steps in its turn. */
static void complain_of_ledger(struct file_backend *backend, const char *reason) {
    if (strcmp(backend->last_complaint, reason) == 0) {
        return;
    }
    (void)snprintf(backend->last_complaint, sizeof backend->last_complaint, "%s", reason);
    report(EVENT_LEDGER_UNAVAILABLE, NULL,
        "no ledger (%s): every replica runs the steps, one after the other", reason);
}

enum ledger_state { LEDGER_READ, LEDGER_MISSING, LEDGER_UNUSABLE };

static enum ledger_state read_ledger(struct file_backend *backend, struct file_ledger *ledger) {
    AUTO_TEXT struct text content = {.data = NULL};
    AUTO_TEXT struct text reason = {.data = NULL};
    struct error error;
    *ledger = (struct file_ledger){.runs = NULL};
    switch (file_read(NULL, backend->ledger_path, LEDGER_MOST, &content, &error)) {
    case FILE_MISSING:
        return LEDGER_MISSING;
    case FILE_UNREADABLE:
        text_append_format(
            &reason, "%s; let this user read it, or remove it to begin a new one", error.text);
        break;
    case FILE_READ: {
        const char *problem = file_ledger_parse(text_string(&content), content.length, ledger);
        if (problem == NULL) {
            return LEDGER_READ;
        }
        text_append_format(
            &reason, "%.300s %s; remove it to begin a new one", backend->ledger_path, problem);
        break;
    }
    }
    complain_of_ledger(backend, text_string(&reason));
    return LEDGER_UNUSABLE;
}

static int write_ledger(
    const struct file_backend *backend, struct file_ledger *ledger, struct error *error) {
    AUTO_TEXT struct text content = {.data = NULL};
    file_ledger_prune(ledger);
    file_ledger_format(ledger, &content);
    return file_replace(backend->ledger_path, content.data, content.length, error);
}

static enum sqlite_file first_file(const struct file_backend *backend) {
    const struct target *target = backend->target;
    return sqlite_files_first(&target->databases, target->directory);
}

static enum observation connect_to_files(void *self, struct error *error) {
    struct file_backend *backend = self;
    if (file_place_make(backend->target, error) != 0) {
        return SEEN_REFUSED;
    }
    if (!backend->was_reached) {
        backend->was_reached = true;
        file_place_warn(backend->target);
    }
    return SEEN_DONE;
}

static enum observation look(void *self, struct look *seen, struct error *error) {
    struct file_backend *backend = self;
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    (void)error;
    *seen = (struct look){.newest = {.state = RUN_NONE}};
    if (!backend->target->has_fingerprint || read_ledger(backend, &ledger) == LEDGER_UNUSABLE) {
        return SEEN_DONE;
    }
    file_look_newest(&ledger, backend->target->fingerprint, time_of_day_ms(), seen);
    seen->has_ledger = true;
    if (seen->newest.state == RUN_SUCCEEDED && seen->newest.elsewhere[0] != '\0') {
        memcpy(seen->stale_reason, seen->newest.elsewhere, sizeof seen->stale_reason);
    } else if (seen->newest.state == RUN_SUCCEEDED) {
        /* As it stands in the file: there is no end to how many databases there may be. */
        const struct file_run *newest = file_ledger_find(&ledger, seen->newest.id);
        (void)sqlite_files_agree(newest->fields[COLUMN_DATABASES], &backend->target->databases,
            backend->target->directory, seen->stale_reason, sizeof seen->stale_reason);
    }
    return SEEN_DONE;
}

static enum observation lock_try(void *self, struct error *error) {
    struct file_backend *backend = self;
    switch (file_lock_try(&backend->lock, error)) {
    case FILE_LOCK_TAKEN:
        return SEEN_DONE;
    case FILE_LOCK_HELD:
        return SEEN_LOCK_HELD;
    case FILE_LOCK_REFUSED:
        break;
    }
    return SEEN_REFUSED;
}

static void lock_release(void *self) {
    struct file_backend *backend = self;
    file_lock_release(&backend->lock);
}

static enum observation preflight(void *self, struct preflight *found, struct error *error) {
    enum sqlite_file first = first_file(self);
    (void)error;
    *found =
        (struct preflight){.is_new = first == SQLITE_FILE_MISSING || first == SQLITE_FILE_EMPTY};
    return SEEN_DONE;
}

static void set_moment(struct file_run *run, enum file_ledger_column column) {
    char moment[RUN_MOMENT_LENGTH];
    file_look_format_moment(time_of_day_ms(), moment);
    file_ledger_run_set(run, column, moment);
}

static void mark_interrupted(struct file_ledger *ledger, struct run *dead) {
    for (size_t i = 0; i < ledger->count; i++) {
        struct file_run *run = &ledger->runs[i];
        if (file_ledger_run_state(run) == RUN_RUNNING) {
            file_look_read_run(run, time_of_day_ms(), dead);
            file_ledger_run_set(run, COLUMN_STATE, run_state_name(RUN_INTERRUPTED));
            set_moment(run, COLUMN_FINISHED);
        }
    }
}

/* Only for people: what the lock holds together needs no name. */
static void set_run_name(struct file_run *run) {
    unsigned char bytes[8] = {0};
    char name[2 * sizeof bytes + 1];
    (void)!getrandom(bytes, sizeof bytes, GRND_NONBLOCK);
    hex_write(bytes, sizeof bytes, name);
    file_ledger_run_set(run, COLUMN_RUN, name);
}

static int64_t enter(const struct file_backend *backend, struct file_ledger *ledger) {
    char key[24];
    struct file_run *run = file_ledger_append(ledger);
    (void)snprintf(key, sizeof key, "%lld", (long long)backend->target->lock_key);
    set_run_name(run);
    set_moment(run, COLUMN_STARTED);
    file_ledger_run_set(run, COLUMN_LOCK_KEY, key);
    file_ledger_run_set(run, COLUMN_FINGERPRINT, backend->target->fingerprint);
    file_ledger_run_set(run, COLUMN_RELEASE, backend->release == NULL ? "" : backend->release);
    file_ledger_run_set(run, COLUMN_STATE, run_state_name(RUN_RUNNING));
    file_ledger_run_set(run, COLUMN_HOST, report_host());
    file_ledger_run_set(run, COLUMN_INITIALISES, backend->initialises ? "t" : "f");
    return file_ledger_run_id(run);
}

static enum observation run_begin(void *self, const struct run_beginning *beginning, int64_t *id,
    struct run *dead, struct error *error) {
    struct file_backend *backend = self;
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    *id = 0;
    *dead = (struct run){.state = RUN_NONE};
    backend->initialises = beginning->initialises;
    if (!backend->target->has_fingerprint || !beginning->is_recorded ||
        read_ledger(backend, &ledger) == LEDGER_UNUSABLE) {
        return SEEN_DONE;
    }
    mark_interrupted(&ledger, dead);
    int64_t entered = enter(backend, &ledger);
    if (write_ledger(backend, &ledger, error) != 0) {
        complain_of_ledger(backend, error->text);
        return SEEN_DONE;
    }
    *id = entered;
    return SEEN_DONE;
}

static int step_fd(void *self) {
    const struct file_backend *backend = self;
    return backend->lock.fd;
}

/* A file that was not there, or was empty, and still is after every migration has been run: they
 * were run in another one. */
static void find_elsewhere(const struct file_backend *backend, struct run *success) {
    const struct target *target = backend->target;
    enum sqlite_file first = first_file(backend);
    if (target->migrates_wholly && backend->initialises &&
        (first == SQLITE_FILE_MISSING || first == SQLITE_FILE_EMPTY)) {
        (void)snprintf(success->elsewhere, sizeof success->elsewhere,
            "its steps seem to have made another database: %.160s (%.40s) %s",
            target->database->name, target->database->role,
            first == SQLITE_FILE_MISSING ? "still does not exist" : "is still empty");
    }
}

static void record(
    const struct file_backend *backend, const struct run *outcome, struct file_run *run) {
    AUTO_TEXT struct text files = {.data = NULL};
    char exit_status[16] = "";
    char tries[16] = "";
    if (outcome->state != RUN_INTERRUPTED || outcome->exit_status != 0) {
        (void)snprintf(exit_status, sizeof exit_status, "%d", outcome->exit_status);
    }
    if (outcome->state == RUN_SUCCEEDED) {
        sqlite_files_describe(&backend->target->databases, backend->target->directory, &files);
    }
    set_moment(run, COLUMN_FINISHED);
    file_ledger_run_set(run, COLUMN_STATE, run_state_name(outcome->state));
    file_ledger_run_set(run, COLUMN_EXIT_STATUS, exit_status);
    file_ledger_run_set(run, COLUMN_STEP, outcome->step);
    file_ledger_run_set(run, COLUMN_OUTPUT, outcome->output);
    file_ledger_run_set(run, COLUMN_DATABASES, text_string(&files));
    file_ledger_run_set(run, COLUMN_ELSEWHERE, outcome->elsewhere);
    if (outcome->tries > 0) {
        (void)snprintf(tries, sizeof tries, "%d", outcome->tries);
    }
    file_ledger_run_set(run, COLUMN_TRIES, tries);
}

/* SEEN_GONE where it may be tried again. */
static enum observation write_outcome(
    struct file_backend *backend, const struct run *outcome, struct error *error) {
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    struct file_run *run = NULL;
    switch (read_ledger(backend, &ledger)) {
    case LEDGER_READ:
        run = file_ledger_find(&ledger, outcome->id);
        break;
    case LEDGER_MISSING:
        /* Removed while the lock was ours: nothing can have been decided meanwhile. */
        (void)enter(backend, &ledger);
        run = &ledger.runs[0];
        file_ledger_run_set_id(run, outcome->id);
        break;
    case LEDGER_UNUSABLE:
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s", backend->last_complaint);
        return SEEN_REFUSED;
    }
    if (run == NULL || file_ledger_run_state(run) != RUN_RUNNING) {
        return SEEN_ELSEWHERE;
    }
    record(backend, outcome, run);
    return write_ledger(backend, &ledger, error) == 0 ? SEEN_DONE : SEEN_GONE;
}

static void warn_of_elsewhere(const struct file_backend *backend, const struct run *success) {
    struct event_fields fields = {.run = success->id};
    if (success->elsewhere[0] != '\0') {
        report(EVENT_STEPS_ELSEWHERE, &fields,
            "the run does not count as prepared, because %s (from %s): set SIGNALBOX_DATABASE_URL "
            "to the address that the steps use",
            success->elsewhere, backend->target->database->source);
    }
}

/* Only under the lock: without it another replica may be writing. Tries again while no other
 * replica can run, since a disk that is full may be emptied. */
static enum observation run_end(void *self, struct run *outcome, struct error *error) {
    static const struct interrupt nobody = {.fd = -1};
    struct file_backend *backend = self;
    if (outcome->state == RUN_SUCCEEDED) {
        find_elsewhere(backend, outcome);
        warn_of_elsewhere(backend, outcome);
    }
    if (outcome->id == 0) {
        return SEEN_DONE;
    }
    int64_t deadline_ms =
        deadline_after_ms(outcome->state == RUN_INTERRUPTED ? FAREWELL_MS : RECORD_MS);
    while (file_lock_holds(&backend->lock)) {
        enum observation written = write_outcome(backend, outcome, error);
        if (written != SEEN_GONE || deadline_passed(deadline_ms)) {
            return written;
        }
        (void)interrupt_pause(&nobody, deadline_after_ms(RECORD_PAUSE_MS));
    }
    return SEEN_ELSEWHERE;
}

static int64_t guard_deadline_ms(void *self) {
    const struct file_backend *backend = self;
    return file_lock_deadline_ms(&backend->lock);
}

static bool guard_holds(void *self) {
    struct file_backend *backend = self;
    return file_lock_holds(&backend->lock);
}

/* The newest row that is running is the holder's, since only who has the lock writes one. */
static void find_holder(const struct file_backend *backend, struct history *found) {
    found->lock.is_held = file_lock_is_held(backend->target->lock_path);
    for (size_t i = 0; i < found->count && found->lock.is_held; i++) {
        if (found->runs[i].state == RUN_RUNNING) {
            (void)snprintf(found->lock.by, sizeof found->lock.by, "%s", found->runs[i].host);
            (void)snprintf(
                found->lock.since, sizeof found->lock.since, "%s", found->runs[i].started);
            return;
        }
    }
}

static enum observation history(void *self, struct history *found, struct error *error) {
    struct file_backend *backend = self;
    AUTO_FILE_LEDGER struct file_ledger ledger = {.runs = NULL};
    (void)error;
    *found = (struct history){.count = 0};
    if (first_file(backend) == SQLITE_FILE_MISSING) {
        (void)snprintf(found->absent, sizeof found->absent, "the database %.280s does not exist",
            backend->target->databases.items[0].name);
    }
    if (read_ledger(backend, &ledger) == LEDGER_READ) {
        file_look_list(&ledger, time_of_day_ms(), found);
    }
    find_holder(backend, found);
    return SEEN_DONE;
}

static void disconnect(void *self) {
    struct file_backend *backend = self;
    free(backend->ledger_path);
    backend->ledger_path = NULL;
}

void file_backend_initialise(
    struct file_backend *backend, const struct target *target, const char *release) {
    AUTO_TEXT struct text ledger_path = {.data = NULL};
    text_append_format(&ledger_path, "%s.ledger", target->lock_path);
    *backend = (struct file_backend){.target = target,
        .release = release,
        .ledger_path = string_copy(text_string(&ledger_path))};
    file_lock_initialise(&backend->lock, target->lock_path);
}

struct backend file_backend_interface(struct file_backend *backend) {
    static const struct backend_operations operations = {
        .connect = connect_to_files,
        .look = look,
        .lock_try = lock_try,
        .lock_release = lock_release,
        .rest = without_server_rest,
        .preflight = preflight,
        .run_begin = run_begin,
        .fence = without_server_fence,
        .fence_own = without_server_fence_own,
        .name_remains = without_server_name_remains,
        .step_assignment = without_server_step_assignment,
        .step_fd = step_fd,
        .run_end = run_end,
        .why_lost = "its file was removed or replaced",
        .guard_fd = without_server_guard_fd,
        .guard_deadline_ms = guard_deadline_ms,
        .guard_holds = guard_holds,
        .history = history,
        .disconnect = disconnect,
    };
    return (struct backend){.operations = &operations, .self = backend};
}
