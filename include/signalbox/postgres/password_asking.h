/*
 * Asking a program for the password of one connection. It runs below a process of its own, so that
 * it can be ended whole whatever else the caller has for children, and so that what it prints never
 * gets farther than the line that is asked for.
 */
#ifndef SIGNALBOX_POSTGRES_PASSWORD_ASKING_H
#define SIGNALBOX_POSTGRES_PASSWORD_ASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/process/signals.h"

/* What the program has to answer, and what a password may be at most: what PostgreSQL takes. */
enum { PASSWORD_ANSWER_MS = 10000, PASSWORD_MOST = 65535 };

struct password_question {
    char *const *argv;
    char *const *environment;
    const struct signal_inheritance *signals;
    /* Hears of the password, so that it is not shown where it comes back; may be NULL. */
    void (*learn)(void *argument, const char *password);
    void *argument;
};

enum password_result {
    PASSWORD_PENDING,
    PASSWORD_KNOWN,
    PASSWORD_UNAVAILABLE, /* Asking again may help. */
    PASSWORD_IMPOSSIBLE   /* It would not. */
};

struct password_asking {
    pid_t process; /* 0 while nothing is asked. */
    int reply_fd;  /* For poll(2), to read. */
    char *reply;
    size_t length;
};

/* What the first line of an output is. */
enum password_line {
    PASSWORD_LINE_GOOD,
    PASSWORD_LINE_EMPTY,
    PASSWORD_LINE_TOO_LONG,
    PASSWORD_LINE_BINARY /* A NUL in it, which no password can have. */
};

/* Its length goes to *line_length; a line ends at "\n", "\r\n" or where the bytes end. */
enum password_line password_asking_line(const char *bytes, size_t length, size_t *line_length);

/* All signals must be blocked, and the caller must be the process that ends with what it has
 * started. Nothing of the question is needed later. False where there is no process for it. */
bool password_asking_start(
    const struct password_question *question, struct password_asking *asking) MUST_USE;

/* When the descriptor is readable. *answer is the password, or a clause about the program that says
 * why there is none, without anything that it has printed on its standard output; it stays until
 * the end. */
enum password_result password_asking_advance(
    struct password_asking *asking, const char **answer) MUST_USE;

/* Ends the program if it still runs, and wipes what it said. Waits for half a second at most, and
 * for three where the program cannot be killed. */
void password_asking_end(struct password_asking *asking);

#endif
