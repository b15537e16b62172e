/*
 * Classes of failure. libpq gives no SQLSTATE for a failed connect, so it is read from the verbose
 * message ("FATAL:  28P01: password authentication failed"), whatever the language of the word in
 * front; what never reached a server is told apart by libpq's own text, which is not translated in
 * our build.
 */
#include "postgres/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "signalbox/base/text.h"

/* The first `: XXXXX: ` in the message, where X is what SQLSTATEs are made of; a digit is always
 * among them, which tells them from the word FATAL. */
static const char *find_sqlstate(const char *message) {
    for (const char *colon = strchr(message, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        const char *code = colon + 1 + strspn(colon + 1, " ");
        size_t length = 0;
        bool has_digit = false;
        while (isdigit((unsigned char)code[length]) || isupper((unsigned char)code[length])) {
            has_digit = has_digit || isdigit((unsigned char)code[length]);
            length++;
        }
        if (length == 5 && has_digit && strncmp(code + 5, ": ", 2) == 0 && code > colon + 1) {
            return code;
        }
    }
    return NULL;
}

static enum session_trouble trouble_of_sqlstate(const char *sqlstate) {
    static const struct {
        const char *prefix;
        enum session_trouble trouble;
    } classes[] = {
        {"3D000", TROUBLE_MISSING_DATABASE},
        {"28", TROUBLE_FINAL},    /* invalid authorization: password, role, pg_hba.conf */
        {"42501", TROUBLE_FINAL}, /* insufficient privilege: no CONNECT on the database */
        {"0A000", TROUBLE_FINAL}, /* feature not supported */
        {"22023", TROUBLE_FINAL}, /* a setting in `options` has a bad value */
        {"53300", TROUBLE_NO_SLOT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        if (string_has_prefix(sqlstate, classes[i].prefix)) {
            return classes[i].trouble;
        }
    }
    return TROUBLE_PASSING;
}

struct words {
    const char *text;
    enum session_trouble trouble;
    const char *advice; /* What a person can do about it; NULL where the message says it all. */
};

/* What never reached a server that says a code. */
static const struct words libpq_words[] = {
    {"expected authentication request from server", TROUBLE_FINAL,
        "what answers there is not PostgreSQL: look at host and port"},
    {"received invalid response to SSL negotiation", TROUBLE_FINAL,
        "what answers there is not PostgreSQL: look at host and port"},
    {"received invalid response to GSSAPI negotiation", TROUBLE_FINAL,
        "what answers there is not PostgreSQL: look at host and port"},
    {"server does not support SSL", TROUBLE_FINAL,
        "the server has no TLS, and sslmode asks for it"},
    {"certificate verify failed", TROUBLE_FINAL,
        "nobody that is trusted here has signed the server's certificate: give sslrootcert"},
    {"root certificate file", TROUBLE_FINAL,
        "give sslrootcert, or `sslrootcert=system` for the image's own certificates"},
    {"server certificate for", TROUBLE_FINAL, "the certificate is another host's"},
    {"no password supplied", TROUBLE_FINAL, "the server wants one: set it where the URL is set"},
    {"channel binding required", TROUBLE_FINAL, NULL},
    {"out of memory", TROUBLE_FINAL, NULL},
    {"could not translate host name", TROUBLE_PASSING, NULL},
};

/* A pooler's, measured with PgBouncer 1.18 and 1.24; the last two are Supavisor's. The older one
 * hands on a server's refusals under its own code. */
static const struct words pooler_words[] = {
    {"no such database", TROUBLE_FINAL,
        "PgBouncer has no entry for it in [databases]: add one, or give --database-url the "
        "server's own address"},
    {"role \"", TROUBLE_FINAL, "the server has no such role"},
    {"\" does not exist", TROUBLE_MISSING_DATABASE, NULL},
    {"SASL authentication failed", TROUBLE_FINAL, "user or password are not PgBouncer's"},
    {"password authentication failed", TROUBLE_FINAL, "user or password are not the server's"},
    {"authentication failed", TROUBLE_FINAL, NULL},
    {"login rejected", TROUBLE_FINAL, "PgBouncer's own pg_hba.conf lets nobody in this way"},
    {"no such user", TROUBLE_FINAL, "PgBouncer does not know the user"},
    {"unsupported startup parameter", TROUBLE_FINAL,
        "PgBouncer refuses it: ignore_startup_parameters, or no `options` in the URL"},
    {"in statement pooling mode", TROUBLE_FINAL,
        "behind statement pooling nothing can hold a lock: give --database-url the server's own "
        "address, or a pool in session or transaction mode"},
    {"no more connections allowed", TROUBLE_NO_SLOT, NULL},
    {"client connections exceeded", TROUBLE_NO_SLOT, NULL},
    {"query_wait_timeout", TROUBLE_PASSING,
        "PgBouncer had no server connection to give: its pool is full, or the server behind it is "
        "down"},
    {"max clients reached", TROUBLE_NO_SLOT, NULL},
    {"max client connections reached", TROUBLE_NO_SLOT, NULL},
};

/* What a server's refusal asks for, where its own words do not say it. */
static const struct {
    const char *sqlstate;
    const char *text;
    const char *advice;
} refusals[] = {
    {"28P01", "", "user or password are not the server's"},
    {"28000", "no pg_hba.conf entry",
        "the server lets nobody in this way: user, database and TLS "
        "decide, in its pg_hba.conf"},
    {"28000", "does not exist", "the server has no such role"},
};

static enum session_trouble find_words(
    const struct words *words, size_t count, const char *message, const char **advice) {
    for (size_t i = 0; i < count; i++) {
        if (strstr(message, words[i].text) != NULL) {
            *advice = words[i].advice;
            return words[i].trouble;
        }
    }
    return TROUBLE_PASSING;
}

static enum session_trouble trouble_of_text(const char *message, const char **advice) {
    if (string_has_prefix(message, "invalid ")) {
        return TROUBLE_FINAL;
    }
    return find_words(libpq_words, ARRAY_LENGTH(libpq_words), message, advice);
}

static const char *advice_on_refusal(const char *sqlstate, const char *message) {
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        if (strcmp(refusals[i].sqlstate, sqlstate) == 0 &&
            strstr(message, refusals[i].text) != NULL) {
            return refusals[i].advice;
        }
    }
    return NULL;
}

/* Copies the message as one line: the place in the server's source code and what stands after the
 * code is left out, and the password wherever it stands. */
static void copy_message(
    const char *message, const char *password, const char *sqlstate, char *copy, size_t capacity) {
    size_t secret = password == NULL ? 0 : strlen(password);
    size_t used = 0;
    const char *end = strstr(message, "\nLOCATION:");
    const char *at = message;
    while (*at != '\0' && at != end && used + 4 < capacity) {
        if (secret > 0 && strncmp(at, password, secret) == 0) {
            memcpy(copy + used, "***", 3);
            used += 3;
            at += secret;
            continue;
        }
        if (at == sqlstate) {
            at += 7;
            continue;
        }
        char byte = *at++;
        bool is_space = isspace((unsigned char)byte) != 0;
        if (is_space && (used == 0 || copy[used - 1] == ' ')) {
            continue;
        }
        copy[used++] = (char)(is_space ? ' ' : byte);
    }
    while (used > 0 && copy[used - 1] == ' ') {
        used--;
    }
    copy[used] = '\0';
}

/* What the code means, with the text where the code alone does not say. */
static void classify(const char *sqlstate, const char *message, struct session_failure *failure,
    const char **advice) {
    memcpy(failure->sqlstate, sqlstate, 5);
    failure->trouble = trouble_of_sqlstate(failure->sqlstate);
    *advice = advice_on_refusal(failure->sqlstate, message);
    if (strcmp(failure->sqlstate, "08P01") == 0 || strcmp(failure->sqlstate, "XX000") == 0) {
        failure->trouble = find_words(pooler_words, ARRAY_LENGTH(pooler_words), message, advice);
    }
}

static void append_advice(struct session_failure *failure, const char *advice) {
    size_t used = strlen(failure->message);
    if (advice != NULL) {
        (void)snprintf(failure->message + used, sizeof failure->message - used, " (%s)", advice);
    }
}

void failure_of_connecting(
    const char *message, const char *password, struct session_failure *failure) {
    const char *sqlstate = find_sqlstate(message);
    const char *advice = NULL;
    *failure = (struct session_failure){.trouble = TROUBLE_PASSING};
    if (sqlstate != NULL) {
        classify(sqlstate, message, failure, &advice);
    } else {
        failure->trouble = trouble_of_text(message, &advice);
    }
    copy_message(message, password, sqlstate, failure->message, sizeof failure->message);
    append_advice(failure, advice);
}

void failure_of_statement(const char *sqlstate, const char *message, const char *password,
    struct session_failure *failure) {
    const char *advice = NULL;
    *failure = (struct session_failure){.trouble = TROUBLE_PASSING};
    if (sqlstate != NULL) {
        classify(sqlstate, message, failure, &advice);
    }
    copy_message(message, password, NULL, failure->message, sizeof failure->message);
    append_advice(failure, advice);
}
