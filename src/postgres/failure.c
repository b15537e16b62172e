/*
 * Failures as one line. libpq gives no SQLSTATE for a failed connect, so it is read from the
 * verbose message ("FATAL:  28P01: password authentication failed"), whatever the language of the
 * word in front; what never reached a server is told apart by libpq's own text, which is not
 * translated in our build. What each means stands in causes.c.
 */
#include "postgres/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "postgres/causes.h"
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

static void append_advice(struct session_failure *failure, const char *advice) {
    size_t used = strlen(failure->message);
    if (advice != NULL) {
        (void)snprintf(failure->message + used, sizeof failure->message - used, " (%s)", advice);
    }
}

/* `sqlstate` may go on after its five characters; NULL where there is none. */
static void classify(const char *sqlstate, const char *message, struct session_failure *failure,
    const char **advice) {
    *failure = (struct session_failure){.origin = FAILURE_OF_LINK};
    if (sqlstate != NULL) {
        failure->origin = FAILURE_OF_SERVER;
        memcpy(failure->sqlstate, sqlstate, 5);
    }
    failure->trouble = causes_find(failure->sqlstate, message, advice);
}

void failure_of_connecting(
    const char *message, const char *password, struct session_failure *failure) {
    const char *sqlstate = find_sqlstate(message);
    const char *advice = NULL;
    classify(sqlstate, message, failure, &advice);
    copy_message(message, password, sqlstate, failure->message, sizeof failure->message);
    append_advice(failure, advice);
}

void failure_of_statement(const char *sqlstate, const char *message, const char *password,
    struct session_failure *failure) {
    const char *advice = NULL;
    classify(sqlstate, message, failure, &advice);
    copy_message(message, password, NULL, failure->message, sizeof failure->message);
    append_advice(failure, advice);
}

void failure_of_silence(struct session_failure *failure) {
    *failure = (struct session_failure){
        .origin = FAILURE_OF_LINK, .trouble = TROUBLE_PASSING, .message = "it does not answer"};
}

void failure_of_password(
    const char *clause, enum session_trouble trouble, struct session_failure *failure) {
    AUTO_TEXT struct text message = {.data = NULL};
    text_append_format(&message, "the program of --password-command %s", clause);
    *failure = (struct session_failure){
        .origin = FAILURE_OF_LINK, .trouble = trouble, .is_of_password = true};
    copy_message(text_string(&message), NULL, NULL, failure->message, sizeof failure->message);
}

void failure_allow_another_password(struct session_failure *failure) {
    bool is_of_password = strcmp(failure->sqlstate, "28P01") == 0 ||
        strstr(failure->message, "authentication failed") != NULL;
    if (is_of_password && failure->trouble == TROUBLE_FINAL) {
        failure->trouble = TROUBLE_PASSING;
        append_advice(failure, "--password-command is asked for another one");
    }
}

void failure_of_ours(const char *message, struct session_failure *failure) {
    *failure = (struct session_failure){.origin = FAILURE_OF_OURS, .trouble = TROUBLE_FINAL};
    copy_message(message, NULL, NULL, failure->message, sizeof failure->message);
}
