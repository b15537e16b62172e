/*
 * The trap: libpq takes PGOPTIONS only where neither the connection's own `options` nor a service
 * file has any, and ActiveRecord's `variables:` are set after it. None of these may win in silence.
 */
#include "prepare/lock_timeout.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/postgres/startup_options.h"

#define VARIABLE "PGOPTIONS"

static int refuse_without_server(const struct target *target, struct error *error) {
    bool is_sqlite = target->database != NULL && database_is_sqlite(target->database);
    error_set(error, EXIT_STATUS_CONFIGURATION, "%s",
        is_sqlite
            ? "--lock-timeout is a setting of PostgreSQL's, and the database is SQLite: remove it"
            : "--lock-timeout is proven on the server that has the lock, and with --lock=file or "
              "none there is no such server: remove it, or set PGOPTIONS for the steps yourself");
    return -1;
}

/* Rails sets it after it has connected, whatever PGOPTIONS says. */
static int check_variables(
    const struct target *target, const struct database *database, struct error *error) {
    if (!database->sets_lock_timeout) {
        return 0;
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "`variables:` of the configuration `%.60s` (%.120s) decides about lock_timeout once Rails "
        "has connected, so --lock-timeout=%lldms would not hold: remove one of the two",
        database->role, database->source, (long long)target->lock_timeout_ms);
    return -1;
}

/* deadlock_timeout is another one. */
static bool names_lock_timeout(const char *options) {
    const char *found = strstr(options, "lock_timeout");
    while (found != NULL && found > options && isalpha((unsigned char)found[-1])) {
        found = strstr(found + 1, "lock_timeout");
    }
    return found != NULL;
}

static bool has_other_options(const struct string_list *words) {
    for (size_t i = 0; i < words->count; i++) {
        if (string_has_prefix(words->items[i], VARIABLE "=") &&
            !names_lock_timeout(words->items[i])) {
            return true;
        }
    }
    return false;
}

/* A step that names lock_timeout in a PGOPTIONS of its own has decided for itself. It may have it
 * by env(1), too. */
static int check_steps(const struct step_list *steps, struct error *error) {
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->items[i];
        if (has_other_options(&step->assignments) || has_other_options(&step->argv)) {
            error_set(error, EXIT_STATUS_CONFIGURATION,
                "the step `%.120s` sets PGOPTIONS, which replaces --lock-timeout: write `-c "
                "lock_timeout=…` into it as well, or set PGOPTIONS for the container",
                step->label);
            return -1;
        }
    }
    return 0;
}

int lock_timeout_check(const struct target *target, struct error *error) {
    const struct databases *databases = &target->databases;
    size_t count = 0;
    if (!target->has_lock_timeout) {
        return 0;
    }
    if (target->lock == LOCK_FILE || target->lock == LOCK_NONE) {
        return refuse_without_server(target, error);
    }
    if (databases->need_rails) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "--lock-timeout cannot be proven: only Rails can say which databases the steps use, "
            "and with --database-url it is not asked: remove one of the two");
        return -1;
    }
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        if (i == 0 && databases->replaced != NULL) {
            database = databases->replaced;
        }
        bool is_relevant = database_is_postgres(database) && !database->is_for_lock_only;
        count += is_relevant ? 1 : 0;
        if (is_relevant && check_variables(target, database, error) != 0) {
            return -1;
        }
    }
    if (count == 0) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "--lock-timeout is a setting of PostgreSQL's, and none of the application's databases "
            "is there: remove it");
        return -1;
    }
    return check_steps(target->steps, error);
}

static void join(const struct target_request *request, const char *given, struct text *joined) {
    char setting[48];
    (void)snprintf(
        setting, sizeof setting, "lock_timeout=%lld", (long long)request->lock_timeout_ms);
    startup_options_join(given, setting, joined);
}

static size_t find_variable(const struct string_list *environment) {
    size_t i = 0;
    while (i < environment->count && !string_has_prefix(environment->items[i], VARIABLE "=")) {
        i++;
    }
    return i;
}

static const char *value_in(const struct string_list *environment) {
    size_t i = find_variable(environment);
    return i == environment->count ? NULL : environment->items[i] + strlen(VARIABLE "=");
}

static void replace(struct string_list *environment, size_t i, const char *value) {
    AUTO_TEXT struct text assignment = {.data = NULL};
    text_append_format(&assignment, VARIABLE "=%s", value);
    free(environment->items[i]);
    environment->items[i] = string_copy(text_string(&assignment));
}

void lock_timeout_put(const struct target_request *request, struct string_list *environment) {
    AUTO_TEXT struct text value = {.data = NULL};
    size_t place = find_variable(environment);
    if (!request->has_lock_timeout) {
        return;
    }
    join(request, value_in(environment), &value);
    if (place == environment->count) {
        string_list_append(environment, VARIABLE "=");
    }
    replace(environment, place, text_string(&value));
}

/* What the command's own words make of it, where nothing needs to be asked. */
static const char *behind_words(const struct target_request *request, const char *value) {
    const struct string_list *changes = request->environment_changes;
    value = request->clears_environment ? NULL : value;
    for (size_t i = 0; changes != NULL && i < changes->count; i++) {
        if (string_has_prefix(changes->items[i], VARIABLE "=")) {
            value = changes->items[i] + strlen(VARIABLE "=");
        } else if (strcmp(changes->items[i], VARIABLE) == 0) {
            value = NULL;
        }
    }
    return value;
}

/* In place: the list is this process's environment. */
static void take_back(struct string_list *answered, const char *given) {
    size_t place = find_variable(answered);
    if (given != NULL) {
        replace(answered, place, given);
        return;
    }
    free(answered->items[place]);
    memmove(answered->items + place, answered->items + place + 1,
        (answered->count - place) * sizeof *answered->items);
    answered->count--;
}

char *lock_timeout_find(struct target_request *request, const struct string_list *environment,
    const char *given, struct string_list *answered) {
    if (!request->has_lock_timeout) {
        return NULL;
    }
    const char *ours = value_in(environment);
    const char *found = answered == NULL ? behind_words(request, ours) : value_in(answered);
    char *options = found == NULL ? NULL : string_copy(found);
    request->step_options = options;
    request->has_step_options = ours != NULL && found != NULL && strcmp(found, ours) == 0;
    if (answered != NULL && request->has_step_options) {
        take_back(answered, given);
    }
    return options;
}
