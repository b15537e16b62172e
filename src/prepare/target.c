/*
 * The target. In `development` and `test` there is no fingerprint: Rails dumps its schema after
 * migrating there, and a ledger would get into the app's own schema file.
 */
#include "signalbox/prepare/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare/fingerprint.h"
#include "signalbox/process/exit_status.h"

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
        .database_name = target->database.name,
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
    if (database_find(
            request->database_url, request->database_url_source, &target->database, error) != 0) {
        if (request->has_secrets_tool) {
            error_set(error, EXIT_STATUS_CONFIGURATION,
                "no database is named outside the command's secrets tool, which Signalbox cannot "
                "see into: put the tool before signalbox in the ENTRYPOINT, or set "
                "SIGNALBOX_DATABASE_URL");
        }
        return -1;
    }
    if (strcmp(target->environment, "development") == 0 ||
        strcmp(target->environment, "test") == 0) {
        return 0;
    }
    return find_fingerprint(request, target, error);
}

void target_release(struct target *target) {
    database_release(&target->database);
}
