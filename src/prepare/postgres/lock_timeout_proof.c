/*
 * The trap: PGOPTIONS is only a wish. A pooler may refuse it, or take it and forget it; libpq does
 * not look at it where the connection has `options` of its own. So the answer of a session decides,
 * and everything else is only the reason that is given for it.
 */
#include "prepare/postgres/lock_timeout_proof.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/number.h"
#include "signalbox/base/random.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"

enum { ATTEMPT_MS = 8000, PAUSE_MS = 500 };

/* What a session of the steps has. */
struct answer {
    int64_t lock_timeout_ms;
    bool is_pooled;
};

/* libpq reads the variable while it connects, and nobody else here may. */
static enum session_result open_as_step(const struct target *target,
    const struct database *database, const char *name, const struct interrupt *interrupt,
    struct session *session) {
    AUTO_STRING_LIST struct string_list environment = {.items = NULL};
    AUTO_TEXT struct text assignment = {.data = NULL};
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (!string_has_prefix(environ[i], "PGOPTIONS=")) {
            string_list_append(&environment, environ[i]);
        }
    }
    text_append_format(
        &assignment, "PGOPTIONS=%s", target->step_options == NULL ? "" : target->step_options);
    string_list_append(&environment, text_string(&assignment));
    char **own = environ;
    environ = environment.items;
    enum session_result result = link_open_database(
        database, name, interrupt, session, login_deadline_ms(database, ATTEMPT_MS));
    environ = own;
    return result;
}

static enum session_result ask(const struct target *target, const struct database *database,
    const struct interrupt *interrupt, struct session *session, struct answer *answer) {
    /* What the session began with: behind a pooler of transactions somebody else's SET may be left
     * in this server's session, and the step's is another one. */
    static const char question[] = "SELECT reset_val FROM pg_settings WHERE name = 'lock_timeout'";
    enum session_result result = open_as_step(target, database, NULL, interrupt, session);
    if (result == SESSION_FAILED && session->failure.trouble == TROUBLE_MISSING_DATABASE) {
        /* A step will make it; the server is the same. */
        result = open_as_step(target, database, "postgres", interrupt, session);
    }
    if (result == SESSION_DONE) {
        result = session_query(session, question, NULL, 0, deadline_after_ms(ATTEMPT_MS));
    }
    if (result == SESSION_DONE) {
        bool is_number = session_row_count(session) == 1 &&
            number_parse(session_value(session, 0, 0), 0, INT32_MAX, &answer->lock_timeout_ms);
        answer->lock_timeout_ms = is_number ? answer->lock_timeout_ms : -1;
        answer->is_pooled = session_is_pooled(session, deadline_after_ms(ATTEMPT_MS));
    }
    session_close(session);
    return result;
}

static enum observation refuse(const struct target *target, const struct database *database,
    int exit_status, const char *reason, struct error *error) {
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(database, &description);
    error_set(error, exit_status, "%.200s (%.100s): --lock-timeout=%lldms %s",
        text_string(&description), database->source, (long long)target->lock_timeout_ms, reason);
    return SEEN_REFUSED;
}

#define WHAT_TO_DO                                                                                 \
    ": give the steps the server's own address, or set lock_timeout in the migrations and remove " \
    "--lock-timeout"

static enum observation refuse_answer(const struct target *target, const struct database *database,
    const struct answer *answer, struct error *error) {
    AUTO_TEXT struct text reason = {.data = NULL};
    text_append_format(&reason,
        "would not hold in the steps, which have %lld: ", (long long)answer->lock_timeout_ms);
    if (string_list_has(&database->keywords, "options")) {
        text_append_format(&reason,
            "the connection's own `options` replace PGOPTIONS: write `-c lock_timeout=%lld` into "
            "them, or remove them",
            (long long)target->lock_timeout_ms);
    } else if (!target->has_step_options) {
        text_append_string(&reason,
            "what stands before the server in the command replaces or removes PGOPTIONS: let it "
            "keep that variable, or set lock_timeout there and remove --lock-timeout");
    } else if (answer->is_pooled) {
        text_append_string(&reason, "the pooler there ignores startup options" WHAT_TO_DO);
    } else {
        text_append_string(&reason,
            "something between replaces it, such as `options` in a service file" WHAT_TO_DO);
    }
    return refuse(target, database, EXIT_STATUS_CONFIGURATION, text_string(&reason), error);
}

static enum observation refuse_failure(const struct target *target, const struct database *database,
    const struct session_failure *failure, struct error *error) {
    AUTO_TEXT struct text reason = {.data = NULL};
    if (strstr(failure->message, "unsupported startup parameter") != NULL) {
        return refuse(target, database, EXIT_STATUS_CONFIGURATION,
            "cannot be had: the pooler there refuses startup options" WHAT_TO_DO, error);
    }
    text_append_format(&reason, "cannot be proven: %s", failure->message);
    return refuse(target, database,
        trouble_may_pass(failure->trouble) ? EXIT_STATUS_UNAVAILABLE : EXIT_STATUS_CONFIGURATION,
        text_string(&reason), error);
}

static enum observation prove(const struct target *target, const struct database *database,
    const struct link *link, struct lock *lock, struct error *error) {
    int64_t deadline_ms = deadline_after_ms(link->connect_timeout_ms);
    for (;;) {
        struct session session;
        struct answer answer = {.lock_timeout_ms = -1};
        enum session_result result = ask(target, database, link->interrupt, &session, &answer);
        if (result == SESSION_CANCELLED) {
            return SEEN_CANCELLED;
        }
        if (!lock_holds(lock)) {
            error_set(error, EXIT_STATUS_WAITED_TOO_LONG, "the lock was lost");
            return SEEN_GONE;
        }
        if (result == SESSION_DONE) {
            return answer.lock_timeout_ms == target->lock_timeout_ms
                ? SEEN_DONE
                : refuse_answer(target, database, &answer, error);
        }
        bool may_pass = result == SESSION_TIMED_OUT || trouble_may_pass(session.failure.trouble);
        if (!may_pass || deadline_passed(deadline_ms)) {
            return refuse_failure(target, database, &session.failure, error);
        }
        if (interrupt_pause(link->interrupt,
                deadline_after_ms(random_jittered_ms(PAUSE_MS, random_number())))) {
            return SEEN_CANCELLED;
        }
    }
}

enum observation lock_timeout_proof_find(
    const struct target *target, struct link *link, struct lock *lock, struct error *error) {
    const struct databases *databases = &target->databases;
    enum observation seen = SEEN_DONE;
    if (!target->has_lock_timeout) {
        return SEEN_DONE;
    }
    session_close(&link->session);
    for (size_t i = 0; i < databases->count && seen == SEEN_DONE; i++) {
        const struct database *database =
            i == 0 && databases->replaced != NULL ? databases->replaced : &databases->items[i];
        if (database_is_postgres(database) && !database->is_for_lock_only) {
            seen = prove(target, database, link, lock, error);
        }
    }
    if (seen != SEEN_DONE) {
        return seen;
    }
    enum session_result result = link_insist(link, deadline_after_ms(ATTEMPT_MS));
    return link_judge(link, result, &link->session, error);
}
