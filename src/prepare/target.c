/*
 * The target. In `development` and `test` there is no fingerprint: Rails dumps its schema after
 * migrating there, and a ledger would get into the app's own schema file.
 */
#include "signalbox/prepare/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/fingerprint.h"
#include "signalbox/base/deadline.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

static const char *from_environment(const char *name) {
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

const char *target_environment(const char *named, const char **source) {
    static const char *const variables[] = {"RAILS_ENV", "RACK_ENV"};
    if (named != NULL) {
        *source = "the command";
        return named;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const char *value = from_environment(variables[i]);
        if (value != NULL) {
            *source = variables[i];
            return value;
        }
    }
    *source = "default";
    return "development";
}

/* Rails' tasks that create a database which is missing (activerecord's databases.rake). */
static bool creates_databases(const struct step_list *steps) {
    static const char *const tasks[] = {"db:prepare", "db:create", "db:setup"};
    for (size_t step = 0; step < steps->count; step++) {
        const struct string_list *argv = &steps->items[step].argv;
        for (size_t word = 1; word < argv->count; word++) {
            for (size_t i = 0; i < ARRAY_LENGTH(tasks); i++) {
                if (strcmp(argv->items[word], tasks[i]) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

static int find_fingerprint(
    const struct target_request *request, struct target *target, struct error *error) {
    struct fingerprint fingerprint;
    struct fingerprint_request asked = {
        .directory = request->directory,
        .steps = request->steps,
        .environment = target->environment,
        .databases = target->unclear[0] == '\0' && !target->databases.are_unclear
            ? &target->databases
            : NULL,
        .release = request->release,
    };
    if (fingerprint_make(&asked, &fingerprint, error) != 0) {
        return -1;
    }
    target->has_fingerprint = true;
    (void)snprintf(target->fingerprint, sizeof target->fingerprint, "%s", fingerprint.hex);
    target->files = fingerprint.files;
    target->bytes = fingerprint.bytes;
    return 0;
}

static int find_databases(
    const struct target_request *request, struct target *target, struct error *error) {
    struct databases_request asked = {
        .given_url = request->database_url,
        .given_source = request->database_url_source,
        .environment = target->environment,
        .directory = request->directory,
    };
    switch (databases_find(&asked, &target->databases, error)) {
    case DATABASES_FOUND:
        target->database = &target->databases.items[0];
        return databases_check_first(&target->databases, error);
    case DATABASES_UNCLEAR:
        (void)snprintf(target->unclear, sizeof target->unclear, "%s", error->text);
        error_set(error, EXIT_STATUS_SUCCESS, "%s", ""); /* It is no obstacle. */
        return 0;
    case DATABASES_WRONG:
        break;
    }
    return -1;
}

int target_make(const struct target_request *request, struct target *target, struct error *error) {
    *target = (struct target){.steps = request->steps, .lock_key = request->lock_key};
    target->environment =
        target_environment(request->named_environment, &target->environment_source);
    target->missing_database =
        creates_databases(request->steps) ? MISSING_IS_CREATED : MISSING_IS_AN_ERROR;
    if (find_databases(request, target, error) != 0) {
        return -1;
    }
    if (strcmp(target->environment, "development") == 0 ||
        strcmp(target->environment, "test") == 0) {
        return 0;
    }
    return find_fingerprint(request, target, error);
}

int target_ask_rails(
    struct target *target, const struct rails_question *question, struct error *error) {
    struct event_fields fields = {.elapsed_ms = clock_now_ms()};
    struct error failure;
    report(EVENT_RAILS_ASKED, NULL, "asking Rails for its databases, since %s", target->unclear);
    enum rails_answer answer = databases_ask_rails(question, &target->databases, error);
    fields.elapsed_ms = clock_now_ms() - fields.elapsed_ms;
    switch (answer) {
    case RAILS_ANSWERED:
        break;
    case RAILS_FAILED:
        failure = *error;
        error_set(error, failure.exit_status,
            "%.280s; %.200s; SIGNALBOX_DATABASE_URL can say where to lock", target->unclear,
            failure.text);
        return -1;
    case RAILS_CANCELLED:
        return -1;
    }
    target->database = &target->databases.items[0];
    report(EVENT_RAILS_ANSWERED, &fields,
        "Rails answered after %s, which every start costs; SIGNALBOX_DATABASE_URL avoids it",
        duration_describe(fields.elapsed_ms).string);
    return databases_check_first(&target->databases, error);
}

void target_release(struct target *target) {
    target->database = NULL;
    databases_release(&target->databases);
}
