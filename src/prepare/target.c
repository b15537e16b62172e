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
#include "signalbox/prepare/watch_entry.h"
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
        .watch = request->watch,
        .steps = request->steps,
        .environment = target->environment,
        .databases = target->unclear[0] == '\0' && !target->databases.are_unclear
            ? &target->databases
            : NULL,
        .release = request->release,
    };
    if (watch_has_schema(request->watch) && !target->migrates_only) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "--watch=schema is only for the steps db:prepare and db:migrate, since a change of any "
            "file may give another step something to do: leave --watch away, or name the files "
            "that count");
        return -1;
    }
    if (fingerprint_make(&asked, &fingerprint, &target->warnings, error) != 0) {
        return -1;
    }
    (void)snprintf(
        target->ledger_named_in, sizeof target->ledger_named_in, "%s", fingerprint.ledger_named_in);
    target->has_fingerprint = fingerprint.hex[0] != '\0';
    if (!target->has_fingerprint) {
        (void)snprintf(
            target->no_fingerprint, sizeof target->no_fingerprint, "%s", fingerprint.nothing);
    }
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

void target_run_instead(struct target *target, const struct step_list *commands) {
    target->tasks = tasks_of_steps(commands, target->rails_major);
    target->missing_database = target->tasks.create ? MISSING_IS_CREATED : MISSING_IS_AN_ERROR;
}

void target_explain_no_fingerprint(const struct target *target, struct text *text) {
    text_append_format(
        text, "%s: every replica runs the steps in its turn", target->no_fingerprint);
}

int target_make(const struct target_request *request, struct target *target, struct error *error) {
    *target = (struct target){
        .steps = request->steps,
        .lock_key = request->lock_key,
        .directory = request->directory,
        .allow_schema_load = request->allow_schema_load,
        .environment = request->environment,
        .environment_source = request->environment_source,
    };
    change_environment(request);
    target->rails_major = tasks_rails_major(request->directory);
    target_run_instead(target, request->steps);
    target->migrates_only = steps_only_migrate(request->steps);
    if (find_databases(request, target, error) != 0) {
        return -1;
    }
    if (strcmp(target->environment, "development") == 0 ||
        strcmp(target->environment, "test") == 0) {
        (void)snprintf(target->no_fingerprint, sizeof target->no_fingerprint,
            "the Rails environment is %.64s (%.64s)", target->environment,
            target->environment_source);
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
    string_list_release(&target->warnings);
}
