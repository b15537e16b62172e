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
#include "signalbox/base/text.h"
#include "signalbox/process/exit_status.h"
#include "signalbox/report/report.h"

/* The database is looked for with the environment that the command will have. */
static void change_environment(const struct target_request *request) {
    if (request->clears_environment) {
        (void)clearenv();
    }
    for (size_t i = 0;
         request->environment_changes != NULL && i < request->environment_changes->count; i++) {
        /* putenv keeps the string, which lives as long as the request. */
        (void)putenv(request->environment_changes->items[i]);
    }
    if (strcmp(request->environment_source, "default") != 0) {
        /* As the steps get it, whatever its name came from; database.yml may ask for it. */
        (void)setenv("RAILS_ENV", request->environment, 1);
    }
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

static bool step_only_migrates(const struct step *step) {
    const struct string_list *argv = &step->argv;
    for (size_t word = 0; word + 1 < argv->count; word++) {
        const char *program = path_base_name(argv->items[word]);
        if (strcmp(program, "rails") == 0 || strcmp(program, "rake") == 0) {
            const char *task = argv->items[word + 1];
            return word + 2 == argv->count &&
                (strcmp(task, "db:prepare") == 0 || strcmp(task, "db:migrate") == 0);
        }
    }
    return false;
}

static bool steps_only_migrate(const struct step_list *steps) {
    for (size_t i = 0; i < steps->count; i++) {
        if (!step_only_migrates(&steps->items[i])) {
            return false;
        }
    }
    return true;
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

static int refuse_secrets_tool(struct error *error) {
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "no database is named outside the command's secrets tool, which Signalbox cannot see into: "
        "put the tool before signalbox in the ENTRYPOINT, or set SIGNALBOX_DATABASE_URL");
    return -1;
}

/* What database.yml says may hang on variables that the tool sets; a URL says it outright. */
static bool is_named_here(const struct target_request *request) {
    return request->database_url != NULL || getenv("PRIMARY_DATABASE_URL") != NULL ||
        getenv("DATABASE_URL") != NULL;
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
        if (request->has_secrets_tool && !is_named_here(request)) {
            return refuse_secrets_tool(error);
        }
        target->database = &target->databases.items[0];
        return databases_check_first(&target->databases, error);
    case DATABASES_UNCLEAR:
        if (request->has_secrets_tool) {
            return refuse_secrets_tool(error);
        }
        (void)snprintf(target->unclear, sizeof target->unclear, "%s", error->text);
        error_set(error, EXIT_STATUS_SUCCESS, "%s", ""); /* It is no obstacle. */
        return 0;
    case DATABASES_WRONG:
        break;
    }
    return request->has_secrets_tool ? refuse_secrets_tool(error) : -1;
}

int target_make(const struct target_request *request, struct target *target, struct error *error) {
    *target = (struct target){
        .steps = request->steps,
        .lock_key = request->lock_key,
        .environment = request->environment,
        .environment_source = request->environment_source,
    };
    change_environment(request);
    target->missing_database =
        creates_databases(request->steps) ? MISSING_IS_CREATED : MISSING_IS_AN_ERROR;
    target->migrates_only = steps_only_migrate(request->steps);
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
