/*
 * The other servers. Several applications may share a server: the first databases of two of them,
 * on servers of their own, may have one name, and then their steps have one APP. So on these
 * servers only backends in the application's own databases are ended.
 */
#include "prepare/postgres/servers.h"

#include <stdlib.h>
#include <string.h>

#include "prepare/postgres/link.h"
#include "prepare/postgres/lock_wait.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/report/report.h"

enum { GIVEN_UP_MOST = 64 };

enum sweep_kind { SWEEP_OTHERS, SWEEP_OTHERS_BEFORE_STEPS, SWEEP_OWN };

void servers_warn_of_names(const struct databases *databases) {
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        if (database_is_postgres(database) && !database->is_for_lock_only &&
            string_list_has(&database->keywords, "application_name")) {
            report(EVENT_CONFIGURATION_NOTE, NULL,
                "%s: the application_name of the configuration `%s` replaces the name by which "
                "Signalbox finds the connections of the steps, so statements that a killed run "
                "left there are not found: remove it, or use ENV[\"PGAPPNAME\"] where that is set",
                database->source, database->role);
        }
    }
}

static bool is_same_text(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static const char *keyword_value(const struct database *database, const char *keyword) {
    for (size_t i = 0; i < database->keywords.count; i++) {
        if (strcmp(database->keywords.items[i], keyword) == 0) {
            return database->values.items[i];
        }
    }
    return NULL;
}

/* By what stands there: one server under two names is only asked twice. */
static bool is_same_server(const struct database *one, const struct database *other) {
    static const char *const keywords[] = {"hostaddr", "service"};
    for (size_t i = 0; i < ARRAY_LENGTH(keywords); i++) {
        if (!is_same_text(keyword_value(one, keywords[i]), keyword_value(other, keywords[i]))) {
            return false;
        }
    }
    return is_same_text(one->host, other->host) && is_same_text(one->port, other->port);
}

static bool is_relevant(const struct database *database) {
    return database_is_postgres(database) && !database->is_for_lock_only && database->name != NULL;
}

/* Whether no database before this one is on its server; the very first one's is the reader's. */
static bool opens_a_server(const struct databases *databases, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (is_relevant(&databases->items[i]) &&
            is_same_server(&databases->items[i], &databases->items[index])) {
            return false;
        }
    }
    return is_relevant(&databases->items[index]);
}

/* The names of the application's databases on the server of this one, one a line. */
static void append_names(const struct databases *databases, size_t index, struct text *names) {
    for (size_t i = index; i < databases->count; i++) {
        if (is_relevant(&databases->items[i]) &&
            is_same_server(&databases->items[i], &databases->items[index])) {
            text_append_format(
                names, "%s%s", names->length == 0 ? "" : "\n", databases->items[i].name);
        }
    }
}

static enum session_result ask(const struct fence *fence, const char *names, enum sweep_kind kind,
    struct session *session, struct fence_sweep *sweep, struct lock_wait *lock_wait,
    int64_t deadline_ms) {
    struct fence there = *fence;
    enum session_result result = SESSION_DONE;
    there.only_in = names;
    there.is_pooled = session_is_pooled(session, deadline_ms);
    switch (kind) {
    case SWEEP_OTHERS:
        result = fence_sweep_others(&there, session, sweep, deadline_ms);
        return result == SESSION_DONE ? lock_wait_find(&there, session, lock_wait, deadline_ms)
                                      : result;
    case SWEEP_OTHERS_BEFORE_STEPS:
        result = fence_sweep_others(&there, session, sweep, deadline_ms);
        return result == SESSION_DONE && sweep->remaining == 0
            ? fence_look_at_rails_locks(&there, session, names, sweep, deadline_ms)
            : result;
    case SWEEP_OWN:
        return fence_sweep_own(&there, session, sweep, deadline_ms);
    }
    return result;
}

static void give_up(struct servers *servers, size_t index, const struct session_failure *failure) {
    const struct database *database = &servers->databases->items[index];
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(database, &description);
    if (index < GIVEN_UP_MOST) {
        servers->given_up |= (uint64_t)1 << index;
    }
    report(EVENT_DATABASE_UNREACHABLE, NULL,
        "%s (%s) cannot be asked whether statements of an earlier run still work there: %s",
        text_string(&description), database->role,
        failure->message[0] == '\0' ? "it does not answer" : failure->message);
}

static enum session_result sweep_server(struct servers *servers, size_t index,
    const struct fence *fence, enum sweep_kind kind, const struct interrupt *interrupt,
    struct fence_sweep *sweep, struct lock_wait *lock_wait, int64_t deadline_ms) {
    const struct database *database = &servers->databases->items[index];
    struct fence_sweep found = {.ended = 0};
    struct session session;
    AUTO_TEXT struct text names = {.data = NULL};
    append_names(servers->databases, index, &names);
    enum session_result result =
        link_open_database(database, NULL, interrupt, &session, deadline_ms);
    if (result == SESSION_FAILED && session.failure.trouble == TROUBLE_MISSING_DATABASE) {
        result = link_open_database(database, "postgres", interrupt, &session, deadline_ms);
    }
    if (result == SESSION_DONE) {
        result = ask(fence, text_string(&names), kind, &session, &found, lock_wait, deadline_ms);
    }
    session_close(&session);
    if (result == SESSION_CANCELLED) {
        return result;
    }
    if (result != SESSION_DONE) {
        give_up(servers, index, &session.failure);
        return SESSION_DONE;
    }
    sweep->ended += found.ended;
    sweep->remaining += found.remaining;
    if (found.holder[0] != '\0') {
        memcpy(sweep->holder, found.holder, sizeof sweep->holder);
    }
    return SESSION_DONE;
}

static enum session_result sweep_all(struct servers *servers, const struct fence *fence,
    enum sweep_kind kind, const struct interrupt *interrupt, struct fence_sweep *sweep,
    struct lock_wait *lock_wait, int64_t deadline_ms) {
    enum session_result result = SESSION_DONE;
    for (size_t i = 1; result == SESSION_DONE && i < servers->databases->count; i++) {
        bool is_given_up = i < GIVEN_UP_MOST && (servers->given_up >> i & 1U) != 0;
        if (!is_given_up && opens_a_server(servers->databases, i)) {
            result =
                sweep_server(servers, i, fence, kind, interrupt, sweep, lock_wait, deadline_ms);
        }
    }
    return result;
}

void servers_append_roles(const struct databases *databases, struct text *roles) {
    for (size_t i = 0; i < databases->count; i++) {
        const char *user = databases->items[i].user;
        if (user != NULL && user[0] != '\0' && strchr(user, '\n') == NULL) {
            text_append_format(roles, "%s%s", roles->length == 0 ? "" : "\n", user);
        }
    }
}

enum session_result servers_look_at_first(const struct servers *servers, const struct fence *fence,
    struct session *session, struct fence_sweep *sweep, int64_t deadline_ms) {
    AUTO_TEXT struct text names = {.data = NULL};
    append_names(servers->databases, 0, &names);
    return strchr(text_string(&names), '\n') == NULL
        ? SESSION_DONE
        : fence_look_at_rails_locks(fence, session, text_string(&names), sweep, deadline_ms);
}

enum session_result servers_sweep_others(struct servers *servers, const struct fence *fence,
    bool is_before_steps, const struct interrupt *interrupt, struct fence_sweep *sweep,
    struct lock_wait *lock_wait, int64_t deadline_ms) {
    return sweep_all(servers, fence, is_before_steps ? SWEEP_OTHERS_BEFORE_STEPS : SWEEP_OTHERS,
        interrupt, sweep, lock_wait, deadline_ms);
}

enum session_result servers_sweep_own(struct servers *servers, const struct fence *fence,
    const struct interrupt *interrupt, struct fence_sweep *sweep, int64_t deadline_ms) {
    return sweep_all(servers, fence, SWEEP_OWN, interrupt, sweep, NULL, deadline_ms);
}
