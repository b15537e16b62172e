/*
 * The target. In `development` and `test` there is no fingerprint: Rails dumps its schema after
 * migrating there, and a ledger would get into the app's own schema file.
 */
#include "signalbox/prepare/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prepare/lock_choice.h"
#include "prepare/lock_timeout.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/fingerprint/fingerprint.h"
#include "signalbox/fingerprint/watch_entry.h"
#include "signalbox/rails/migrations_table.h"
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
    if (request->environment_source != ENVIRONMENT_DEFAULT) {
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

static void append_each(const char *path, const char *const *endings, struct string_list *list) {
    for (; *endings != NULL; endings++) {
        AUTO_TEXT struct text whole = {.data = NULL};
        text_append_format(&whole, "%s%s", path, *endings);
        string_list_append(list, text_string(&whole));
    }
}

/* Databases and the lock may lie among the image's files, under any name. */
static void list_what_changes(const struct target *target, struct string_list *list) {
    static const char *const of_databases[] = {"", "-wal", "-shm", "-journal", NULL};
    static const char *const of_locks[] = {"", ".ledger", ".ledger.new", NULL};
    for (size_t i = 0; i < target->databases.count; i++) {
        AUTO_TEXT struct text path = {.data = NULL};
        if (database_sqlite_path(&target->databases.items[i], target->directory, &path)) {
            append_each(text_string(&path), of_databases, list);
        }
    }
    if (target->lock_path != NULL) {
        append_each(target->lock_path, of_locks, list);
    }
}

static int find_fingerprint(
    const struct target_request *request, struct target *target, struct error *error) {
    struct fingerprint fingerprint;
    AUTO_STRING_LIST struct string_list left_out = {.items = NULL};
    list_what_changes(target, &left_out);
    struct fingerprint_request asked = {
        .directory = request->directory,
        .watch = request->watch,
        .steps = request->steps,
        .environment = target->environment,
        .databases = target->needs_rails_why[0] == '\0' && !target->databases.need_rails
            ? &target->databases
            : NULL,
        .release = request->release,
        .left_out = &left_out,
    };
    if (watch_entry_has_schema(request->watch) && !target->migrates_only) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "--watch=schema is only for the steps db:prepare and db:migrate, since a change of any "
            "file may give another step something to do: remove --watch, or name the files that "
            "count");
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

/* What database.yml says may hang on variables; a URL says it outright. */
static bool is_named_here(const struct target_request *request) {
    return request->database_url != NULL || getenv("PRIMARY_DATABASE_URL") != NULL ||
        getenv("DATABASE_URL") != NULL;
}

/* A lock that needs no database is no reason to insist on one. */
static bool may_go_without(const struct target_request *request) {
    AUTO_TEXT struct text file = {.data = NULL};
    text_append_format(&file, "%s/config/database.yml", request->directory);
    return request->lock->kind == LOCK_NONE ||
        (lock_choice_stands_alone(request->lock) &&
            (request->unasked != NULL ||
                (!is_named_here(request) && access(text_string(&file), F_OK) != 0)));
}

/* A PGAPPNAME of the user's, or an application_name in the configuration, beats ours. */
static bool are_named_by_us(const struct target *target, const struct step_list *commands) {
    if (getenv("PGAPPNAME") != NULL ||
        (target->database != NULL &&
            string_list_has(&target->database->keywords, "application_name"))) {
        return false;
    }
    for (size_t i = 0; i < commands->count; i++) {
        const struct string_list *assignments = &commands->items[i].assignments;
        for (size_t k = 0; k < assignments->count; k++) {
            if (string_has_prefix(assignments->items[k], "PGAPPNAME=")) {
                return false;
            }
        }
    }
    return true;
}

void target_run_instead(struct target *target, const struct step_list *commands) {
    /* A SQLite file is made when it is opened, so there any Rails migrates from nothing. */
    target->tasks = tasks_of_steps(
        commands, target->lock == LOCK_FILE ? TASKS_MIGRATE_FROM_NOTHING : target->rails_major);
    target->missing_database = target->tasks.create ? MISSING_IS_CREATED : MISSING_IS_AN_ERROR;
    target->migrates_wholly = tasks_migrate_wholly(commands);
    target->commands_only_migrate = steps_only_migrate(commands);
    target->are_steps_named = are_named_by_us(target, commands);
}

static int place_lock(struct target *target, struct error *error) {
    bool is_known = target->database != NULL || lock_choice_stands_alone(target->lock_choice);
    if (is_known &&
        lock_choice_find(target->lock_choice, target->lock_key, &target->databases,
            target->directory, &target->lock, &target->lock_path, error) != 0) {
        return -1;
    }
    target_run_instead(target, target->steps);
    return is_known ? lock_timeout_check(target, error) : 0;
}

/* The program wins over every password that stands anywhere; one that it replaces is named. */
static void take_password_command(struct target *target) {
    AUTO_TEXT struct text places = {.data = NULL};
    const char *variable = getenv("PGPASSWORD");
    if (target->databases.replaced != NULL) {
        target->databases.replaced->password_command = target->password_command;
    }
    for (size_t i = 0; i < target->databases.count; i++) {
        struct database *database = &target->databases.items[i];
        if (!database_is_postgres(database)) {
            continue;
        }
        database->password_command = target->password_command;
        if (database->password != NULL && strstr(text_string(&places), database->source) == NULL) {
            text_append_format(&places, "%s%s", places.length == 0 ? "" : ", ", database->source);
        }
    }
    if (variable != NULL && variable[0] != '\0') {
        text_append_format(&places, "%sPGPASSWORD", places.length == 0 ? "" : ", ");
    }
    if (places.length > 0) {
        AUTO_TEXT struct text warning = {.data = NULL};
        text_append_format(&warning,
            "--password-command gives the passwords, so Signalbox does not use the one in %s; the "
            "steps do what the application does",
            text_string(&places));
        string_list_append(&target->warnings, text_string(&warning));
    }
}

/* They are known now: what has to be said of them, and where their files are. */
static void take_databases(struct target *target) {
    struct string_list *warnings = &target->databases.warnings;
    for (size_t i = 0; i < warnings->count; i++) {
        string_list_append(&target->warnings, warnings->items[i]);
    }
    string_list_release(warnings);
    database_list_place_files(&target->databases, target->directory);
    if (target->password_command != NULL) {
        take_password_command(target);
    }
    target->database = &target->databases.items[0];
}

bool target_hangs_on_asking(const struct target_request *request) {
    bool is_needed = request->database_url == NULL || request->has_lock_timeout;
    return request->unasked != NULL && is_needed && request->lock->kind != LOCK_NONE &&
        !lock_choice_stands_alone(request->lock);
}

static int find_databases(
    const struct target_request *request, struct target *target, struct error *error) {
    struct databases_request asked = {
        .given_url = request->database_url,
        .given_source = request->database_url_source,
        .environment = target->environment,
        .directory = request->directory,
        .needs_no_password = request->password_command != NULL,
    };
    target->unasked = target_hangs_on_asking(request) ? request->unasked : NULL;
    bool insists = target->unasked == NULL && !may_go_without(request);
    switch (database_list_find(&asked, &target->databases, error)) {
    case DATABASES_FOUND:
        take_databases(target);
        return 0;
    case DATABASES_UNCLEAR:
        if (insists) {
            (void)snprintf(
                target->needs_rails_why, sizeof target->needs_rails_why, "%s", error->text);
        }
        break;
    case DATABASES_WRONG:
        if (insists) {
            return -1;
        }
        break;
    }
    error_set(error, EXIT_STATUS_SUCCESS, "%s", ""); /* It is no obstacle. */
    return 0;
}

static void warn_of_asking(struct target *target) {
    AUTO_TEXT struct text warning = {.data = NULL};
    if (target->unasked != NULL && target->database != NULL) {
        text_append_format(&warning,
            "%s is asked for its environment at the start, because only it knows what it sets: the "
            "database and the fingerprint may then differ from these",
            target->unasked);
        string_list_append(&target->warnings, text_string(&warning));
    }
}

void target_explain_no_fingerprint(const struct target *target, struct text *text) {
    if (target->unasked != NULL && target->database == NULL) {
        text_append_format(text, "%s, which happens at the start", target->no_fingerprint);
        return;
    }
    text_append_format(text,
        target->lock == LOCK_NONE ? "%s: every start runs the steps"
                                  : "%s: every replica runs the steps, one after the other",
        target->no_fingerprint);
}

int target_make(const struct target_request *request, struct target *target, struct error *error) {
    *target = (struct target){
        .steps = request->steps,
        .directory = request->directory,
        .lock_choice = request->lock,
        .lock_key = request->lock_key,
        .password_command = request->password_command,
        .allow_schema_load = request->allow_schema_load,
        .has_lock_timeout = request->has_lock_timeout,
        .lock_timeout_ms = request->lock_timeout_ms,
        .step_options = request->step_options,
        .has_step_options = request->has_step_options,
        .environment = request->environment,
        .environment_source = request->environment_source,
    };
    change_environment(request);
    target->rails_major = tasks_rails_major(request->directory);
    AUTO_TEXT struct text table = {.data = NULL};
    migrations_table_find(request->directory, request->environment, &table);
    target->migrations_table = string_copy(text_string(&table));
    target->migrates_only = steps_only_migrate(request->steps);
    if (find_databases(request, target, error) != 0 || place_lock(target, error) != 0) {
        return -1;
    }
    warn_of_asking(target);
    if (target->unasked != NULL && target->database == NULL) {
        (void)snprintf(target->no_fingerprint, sizeof target->no_fingerprint,
            "the names of the databases are not known before %.120s is asked", target->unasked);
        return 0;
    }
    if (target->lock == LOCK_NONE) {
        (void)snprintf(target->no_fingerprint, sizeof target->no_fingerprint,
            "with --lock=none nothing keeps replicas apart and nothing is recorded");
        return 0;
    }
    if (strcmp(target->environment, "development") == 0 ||
        strcmp(target->environment, "test") == 0) {
        (void)snprintf(target->no_fingerprint, sizeof target->no_fingerprint,
            "the Rails environment is %.64s (%.64s)", target->environment,
            recognise_source_name(target->environment_source));
        return 0;
    }
    return find_fingerprint(request, target, error);
}

int target_ask_rails(
    struct target *target, const struct rails_question *question, struct error *error) {
    struct event_fields fields = {.elapsed_ms = clock_now_ms()};
    struct error failure;
    struct rails_question asked = *question;
    asked.needs_initializers = target->databases.need_initializers;
    report(EVENT_RAILS_ASKED, NULL, "asking Rails for its databases%s, because %s",
        asked.needs_initializers ? ", with its initializers" : "", target->needs_rails_why);
    enum rails_answer answer = ask_rails_databases(&asked, &target->databases, error);
    fields.elapsed_ms = clock_now_ms() - fields.elapsed_ms;
    switch (answer) {
    case RAILS_ANSWERED:
        break;
    case RAILS_FAILED:
        failure = *error;
        error_set(error, failure.exit_status,
            "%.280s; %.200s; SIGNALBOX_DATABASE_URL can say where to lock", target->needs_rails_why,
            failure.text);
        return -1;
    case RAILS_CANCELLED:
        return -1;
    }
    take_databases(target);
    report(EVENT_RAILS_ANSWERED, &fields,
        "Rails answered after %s; every start takes this time unless SIGNALBOX_DATABASE_URL is set",
        duration_describe(fields.elapsed_ms).string);
    return place_lock(target, error);
}

void target_release(struct target *target) {
    target->database = NULL;
    free(target->lock_path);
    target->lock_path = NULL;
    free(target->migrations_table);
    target->migrations_table = NULL;
    database_list_release(&target->databases);
    string_list_release(&target->warnings);
}
