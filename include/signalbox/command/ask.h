/*
 * Asking what stands in front of a command for the environment that it gives the command. It runs
 * once with Signalbox itself behind it, which sends back what it was given and ends (reply.h).
 */
#ifndef SIGNALBOX_COMMAND_ASK_H
#define SIGNALBOX_COMMAND_ASK_H

#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"
#include "signalbox/process/interrupt.h"
#include "signalbox/process/signals.h"

struct wrapper_question {
    const struct context *around; /* With words that go before a step. */
    char *const *environment;     /* What they find, ended by NULL. */
    const struct signal_inheritance *inheritance;
    const struct interrupt *interrupt; /* What ends the asking early. */
    int64_t timeout_ms;                /* Until the answer has come. */
    int64_t grace_ms;                  /* Between the answer and TERM, and between TERM and KILL. */
};

struct wrapper_answer {
    struct string_list environment; /* NAME=VALUE, in order; several may have one name. */
    char *directory;                /* Where the command would run; empty where it is not known. */
    bool overstayed;                /* It did not end with the command, and had to be ended. */
};

enum wrapper_asked {
    WRAPPER_ANSWERED,
    WRAPPER_SILENT, /* `silence` says why. */
    WRAPPER_CANCELLED
};

struct wrapper_silence {
    char why[400];      /* One clause, without anything that was printed. */
    struct text output; /* The last that was printed, as it came: it may hold secrets. */
};

/* Blocks until the answer is there and nothing is left of what was started. The caller is a
 * subreaper without other children. `answer` is filled where it was answered, `silence` otherwise
 * and its output in any case; both are released by the caller. */
enum wrapper_asked ask_wrapper(const struct wrapper_question *question,
    struct wrapper_answer *answer, struct wrapper_silence *silence) MUST_USE;

void ask_release_answer(struct wrapper_answer *answer);
void ask_release_silence(struct wrapper_silence *silence);

#endif
