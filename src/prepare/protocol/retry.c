/*
 * The table of names. The trap: 40001 may be the number of rows that a migration has moved, so a
 * code counts only where an error's own words stand before it.
 */
#include "prepare/protocol/retry.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/random.h"
#include "signalbox/base/string.h"

enum { FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 30000 };

static const struct {
    const char *name;
    enum retry_cause cause;
} names[] = {
    {"ActiveRecord::LockWaitTimeout", RETRY_CAUSE_LOCK},
    {"ActiveRecord::Deadlocked", RETRY_CAUSE_DEADLOCK},
    {"ActiveRecord::SerializationFailure", RETRY_CAUSE_SERIALIZATION},
    {"PG::LockNotAvailable", RETRY_CAUSE_LOCK},
    {"PG::TRDeadlockDetected", RETRY_CAUSE_DEADLOCK},
    {"PG::TRSerializationFailure", RETRY_CAUSE_SERIALIZATION},
    /* psycopg. */
    {"errors.LockNotAvailable", RETRY_CAUSE_LOCK},
    {"errors.DeadlockDetected", RETRY_CAUSE_DEADLOCK},
    {"errors.SerializationFailure", RETRY_CAUSE_SERIALIZATION},
    /* The server's own words, as psql and libpq print them. */
    {"ERROR:  canceling statement due to lock timeout", RETRY_CAUSE_LOCK},
    {"ERROR:  could not obtain lock on ", RETRY_CAUSE_LOCK},
    {"ERROR:  deadlock detected", RETRY_CAUSE_DEADLOCK},
    {"ERROR:  could not serialize access", RETRY_CAUSE_SERIALIZATION},
};

static const struct {
    const char *code;
    enum retry_cause cause;
} codes[] = {
    {"55P03", RETRY_CAUSE_LOCK},
    {"40P01", RETRY_CAUSE_DEADLOCK},
    {"40001", RETRY_CAUSE_SERIALIZATION},
};

/* What an error begins with whose reason is none of these. With the last, rake and rails say that
 * what follows is why they end: what stands before it was caught. */
static const char *const others[] = {"PG::", "ERROR:  ", "aborted!"};

static const struct {
    const char *word;
    bool ends_with_code; /* Only a colon or the end of the line comes behind the code. */
} before_codes[] = {{"SQLSTATE", false}, {"SQLState", false}, {"ERROR:", true}};

static bool is_word_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_';
}

/* The code that stands behind these words, with a blank, a colon or a bracket between. */
static bool find_code(const char *behind, bool ends_with_code, enum retry_cause *cause) {
    behind += strspn(behind, " :=[(");
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        if (!string_has_prefix(behind, codes[i].code)) {
            continue;
        }
        char next = behind[strlen(codes[i].code)];
        if (ends_with_code ? strchr(":\n", next) != NULL : !is_word_byte(next)) {
            *cause = codes[i].cause;
            return true;
        }
    }
    return false;
}

/* Since 3.4 Ruby's backtraces name methods with their class: 'PG::Connection#exec'. */
static bool is_method(const char *name) {
    while (is_word_byte(*name) || string_has_prefix(name, "::")) {
        name += *name == ':' ? 2 : 1;
    }
    return *name == '#' || *name == '.';
}

/* Whether an error is named at `at`, and of which cause it is. */
static bool names_error(const char *at, enum retry_cause *cause) {
    for (size_t i = 0; i < ARRAY_LENGTH(before_codes); i++) {
        const char *word = before_codes[i].word;
        if (string_has_prefix(at, word) &&
            find_code(at + strlen(word), before_codes[i].ends_with_code, cause)) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t length = strlen(names[i].name);
        if (string_has_prefix(at, names[i].name) &&
            !(is_word_byte(names[i].name[length - 1]) && is_word_byte(at[length]))) {
            *cause = names[i].cause;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (string_has_prefix(at, others[i]) && !is_method(at)) {
            *cause = RETRY_CAUSE_LASTS;
            return true;
        }
    }
    return false;
}

enum retry_cause retry_find_cause(const char *lines) {
    enum retry_cause cause = RETRY_CAUSE_LASTS;
    for (const char *at = lines; *at != '\0'; at++) {
        bool begins_word = at == lines || !is_word_byte(at[-1]);
        if (begins_word && names_error(at, &cause)) {
            /* What follows on the line is the same error's own text. */
            at += strcspn(at, "\n") - 1;
        }
    }
    return cause;
}

const char *retry_cause_name(enum retry_cause cause) {
    switch (cause) {
    case RETRY_CAUSE_LASTS:
        return "something that lasts";
    case RETRY_CAUSE_LOCK:
        return "a lock that it could not have in time";
    case RETRY_CAUSE_DEADLOCK:
        return "a deadlock";
    case RETRY_CAUSE_SERIALIZATION:
        return "a serialization failure";
    }
    return "";
}

bool retry_decide(const struct retry_facts *facts, int64_t *pause_ms) {
    int64_t longest_ms = FIRST_PAUSE_MS;
    for (int try = 1; try < facts->tries && longest_ms < LONGEST_PAUSE_MS; try++) {
        longest_ms *= 2;
    }
    longest_ms = longest_ms < LONGEST_PAUSE_MS ? longest_ms : LONGEST_PAUSE_MS;
    *pause_ms = random_jittered_ms(longest_ms, facts->random);
    bool has_time = facts->timeout_ms < 0 || *pause_ms < facts->timeout_ms - facts->elapsed_ms;
    return facts->cause != RETRY_CAUSE_LASTS && facts->tries <= facts->retries && has_time;
}
