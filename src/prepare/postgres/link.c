/*
 * Connecting with patience, and what is learned on the way.
 */
#include "prepare/postgres/link.h"

#include <stdio.h>
#include <string.h>

#include "prepare/postgres/failure_policy.h"
#include "signalbox/base/clock.h"
#include "signalbox/base/deadline.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/number.h"
#include "signalbox/base/random.h"
#include "signalbox/base/text.h"
#include "signalbox/database/login.h"
#include "signalbox/report/report.h"

enum {
    SHORTEST_BACKOFF_MS = 100,
    LONGEST_BACKOFF_MS = 2000,
    LONGEST_CROWDED_MS = 10000, /* Where a thousand come at once, each refusal costs a fork. */
    PAUSES_PER_REFUSAL = 20,
    SLOT_PAUSE_MS = 200,
};

enum session_result link_open_database(const struct database *database, const char *name,
    const struct interrupt *interrupt, struct session *session, int64_t deadline_ms) {
    struct login login;
    login_make(database, name, interrupt, &login);
    enum session_result result = session_open(session, &login.request, deadline_ms);
    login_release(&login);
    return result;
}

enum session_result link_open_another(
    const struct link *link, struct session *session, int64_t deadline_ms) {
    return link_open_database(link->database, NULL, link->interrupt, session, deadline_ms);
}

static enum session_result open_session(struct link *link, int64_t deadline_ms) {
    link->is_learned = false;
    return link_open_another(link, &link->session, deadline_ms);
}

enum session_result link_insist(struct link *link, int64_t deadline_ms) {
    static const struct interrupt nobody = {.fd = -1};
    enum session_result result = SESSION_DONE;
    while (link->session.connection == NULL) {
        result = open_session(link, deadline_ms);
        bool is_refused =
            result == SESSION_FAILED && link->session.failure.trouble == TROUBLE_NO_SLOT;
        if (!is_refused || deadline_passed(deadline_ms)) {
            return result;
        }
        const struct interrupt *interrupt = link->interrupt;
        if (interrupt_pause(interrupt == NULL ? &nobody : interrupt,
                deadline_after_ms(random_jittered_ms(SLOT_PAUSE_MS, random_number())))) {
            return SESSION_CANCELLED;
        }
    }
    return result;
}

bool link_has_room(const struct link *link, int count, int64_t deadline_ms) {
    struct session more = {.connection = NULL};
    if (count == 0) {
        return true;
    }
    bool has_room = link_open_another(link, &more, deadline_ms) == SESSION_DONE &&
        link_has_room(link, count - 1, deadline_ms);
    session_close(&more);
    return has_room;
}

enum observation link_refuse(
    const struct link *link, int exit_status, const char *reason, struct error *error) {
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(link->database, &description);
    error_set(error, exit_status, "%s (from %s): %s", text_string(&description),
        link->database->source, reason);
    return SEEN_REFUSED;
}

static void report_once(struct link *link, const struct session_failure *failure) {
    if (strcmp(link->last_reason, failure->message) == 0) {
        return;
    }
    AUTO_TEXT struct text description = {.data = NULL};
    database_describe(link->database, &description);
    memcpy(link->last_reason, failure->message, sizeof link->last_reason);
    report(EVENT_DATABASE_UNREACHABLE, NULL, "%s %s yet: %s", text_string(&description),
        failure->trouble == TROUBLE_NO_SLOT ? "has no free connection" : "is not reachable",
        failure->message);
}

void link_note(struct link *link, const struct session_failure *failure) {
    memcpy(link->said, failure->message, sizeof link->said);
    report_once(link, failure);
}

enum observation link_find_no_slot(
    struct link *link, const struct session_failure *failure, struct error *error) {
    link_note(link, failure);
    error_set(error, EXIT_STATUS_WAITED_TOO_LONG, "%s", failure->message);
    return SEEN_CROWDED;
}

/* An attempt that had hardly any time left says nothing about the server. */
static void note_silence(struct link *link, bool had_time) {
    if (had_time || link->said[0] == '\0') {
        report_once(link, &link->session.failure);
        if (link->session.failure.is_of_password) {
            memcpy(link->said, link->session.failure.message, sizeof link->said);
        }
    }
}

/* The last line that people read, and quote: it names the last thing that was said. */
static enum observation refuse_in_the_end(
    const struct link *link, bool was_silent_for_long, struct error *error) {
    AUTO_TEXT struct text reason = {.data = NULL};
    if (link->said[0] == '\0') {
        text_append_string(&reason, "it does not answer");
    } else if (was_silent_for_long) {
        text_append_format(&reason, "it does not answer; the last that was said: %s", link->said);
    } else {
        text_append_string(&reason, link->said);
    }
    return link_refuse(link, EXIT_STATUS_UNAVAILABLE, text_string(&reason), error);
}

static void note_read_only(struct link *link) {
    if (!link->is_read_only) {
        link->read_only_since_ms = 0;
    } else if (link->read_only_since_ms == 0) {
        static const struct session_failure standby = {
            .message = "it is read-only (a standby, or default_transaction_read_only); nothing can "
                       "be run there, but what its ledger says counts"};
        link->read_only_since_ms = clock_now_ms();
        link_note(link, &standby);
    }
}

enum session_result link_learn(struct link *link, int64_t deadline_ms) {
    struct session *session = &link->session;
    enum session_result result =
        session->connection == NULL ? open_session(link, deadline_ms) : SESSION_DONE;
    if (result != SESSION_DONE || link->is_learned) {
        return result;
    }
    result = session_query(session,
        "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean", NULL, 0,
        deadline_ms);
    if (result != SESSION_DONE) {
        return result;
    }
    link->is_read_only = strcmp(session_value(session, 0, 0), "t") == 0;
    link->is_pooled = session_is_pooled(session, deadline_ms);
    link->is_learned = session->connection != NULL;
    note_read_only(link);
    return SESSION_DONE;
}

bool link_is_missing(const struct link *link) {
    return link->session.connection == NULL &&
        link->session.failure.trouble == TROUBLE_MISSING_DATABASE;
}

static enum observation pause_or_end(const struct link *link, int64_t pause_ms, int64_t deadline_ms,
    bool was_silent_for_long, struct error *error) {
    if (deadline_passed(deadline_ms)) {
        return refuse_in_the_end(link, was_silent_for_long, error);
    }
    return interrupt_pause(
               link->interrupt, deadline_earlier(deadline_ms, deadline_after_ms(pause_ms)))
        ? SEEN_CANCELLED
        : SEEN_DONE;
}

enum observation link_pause(
    struct link *link, int64_t pause_ms, int64_t deadline_ms, struct error *error) {
    return pause_or_end(link, pause_ms, deadline_ms, false, error);
}

/* After a failed attempt: SEEN_DONE to try again. */
static enum observation after_failure(struct link *link, struct error *error) {
    const struct session_failure *failure = &link->session.failure;
    switch (failure->trouble) {
    case TROUBLE_FINAL:
        return link_refuse(link, EXIT_STATUS_CONFIGURATION, failure->message, error);
    case TROUBLE_MISSING_DATABASE:
        return SEEN_REFUSED;
    case TROUBLE_NO_SLOT:
        if (link->was_reached) {
            return link_find_no_slot(link, failure, error);
        }
        break;
    case TROUBLE_PASSING:
        break;
    }
    link_note(link, failure);
    return SEEN_DONE;
}

enum observation link_connect(struct link *link, int64_t deadline_ms, struct error *error) {
    int64_t backoff_ms = SHORTEST_BACKOFF_MS;
    for (;;) {
        int64_t began_ms = clock_now_ms();
        int64_t longest_ms = LONGEST_BACKOFF_MS;
        int64_t attempt_until_ms = login_deadline_ms(link->database, LINK_ATTEMPT_MS);
        bool has_time = attempt_until_ms <= deadline_ms;
        enum session_result result =
            open_session(link, deadline_earlier(deadline_ms, attempt_until_ms));
        if (result == SESSION_DONE) {
            link->last_reason[0] = '\0';
            return SEEN_DONE;
        }
        if (result == SESSION_CANCELLED) {
            return SEEN_CANCELLED;
        }
        if (result == SESSION_TIMED_OUT) {
            note_silence(link, has_time);
        }
        if (result == SESSION_FAILED) {
            if (link->session.failure.trouble == TROUBLE_NO_SLOT) {
                int64_t share_ms = PAUSES_PER_REFUSAL * (clock_now_ms() - began_ms);
                longest_ms = LONGEST_CROWDED_MS;
                backoff_ms = deadline_earlier(
                    backoff_ms > share_ms ? backoff_ms : share_ms, LONGEST_CROWDED_MS);
            }
            enum observation next = after_failure(link, error);
            if (next != SEEN_DONE) {
                return next;
            }
        }
        enum observation paused =
            pause_or_end(link, random_jittered_ms(backoff_ms, random_number()), deadline_ms,
                result == SESSION_TIMED_OUT && has_time && !link->session.failure.is_of_password,
                error);
        if (paused != SEEN_DONE) {
            return paused;
        }
        backoff_ms = deadline_earlier(backoff_ms * 2, longest_ms);
    }
}

enum observation link_judge(struct link *link, enum session_result result,
    const struct session *session, struct error *error) {
    enum observation seen = failure_policy_decide(result, &session->failure, error);
    if (seen == SEEN_DONE) {
        link->trouble_since_ms = 0;
        link->said[0] = '\0';
    }
    if (seen == SEEN_GONE) {
        if (result == SESSION_FAILED) {
            memcpy(link->said, session->failure.message, sizeof link->said);
        }
        if (link->trouble_since_ms == 0) {
            link->trouble_since_ms = clock_now_ms();
        }
    }
    return seen;
}
