/*
 * Signals as the kernel has them: masks are 64-bit words through the raw system calls, because
 * musl refuses 32 to 34 and drops glibc's SIGRTMIN from a saved mask.
 */
#ifndef SIGNALBOX_PROCESS_SIGNALS_H
#define SIGNALBOX_PROCESS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"

typedef uint64_t signal_mask; /* Bit N-1 stands for signal N. */

#define SIGNAL_LAST 64
#define SIGNAL_MASK_ALL UINT64_MAX
#define SIGNAL_BIT(number) (UINT64_C(1) << ((number)-1))

/* What each signal is taken for: another number, or 0 when it is dropped. [0] is not used. */
typedef uint8_t signal_rewrites[SIGNAL_LAST + 1];

/* Whether the signal asks for an end: TERM, INT, QUIT and HUP. PID 1 and the preparer both ask
 * here. What HUP means to a command that runs is the command's own. */
bool signals_ask_for_end(int number);

/* Of the signals in `mask` that ask for an end, the one that says most clearly what is wanted; 0
 * where none does. */
int signals_asking_for_end(signal_mask mask);

/* What this process inherited and the command must find again, unchanged. */
struct signal_inheritance {
    signal_mask mask;
    /* Of PIPE, CHLD and those that ask for an end, which were SIG_IGN. The others are not touched
     * here, so that an exec hands them on by itself. */
    signal_mask ignored;
};

/* Blocks every signal that can be blocked, sets SIGCHLD back to its default (a parent that ignored
 * it would make children vanish unreaped) and says what was inherited. */
void signals_take_over(struct signal_inheritance *inheritance);

/* In a child just before exec, or before this process execs: dispositions and mask as they were
 * inherited. What is pending is delivered by it, as it would have been without us.
 * Async-signal-safe. */
void signals_give_back(const struct signal_inheritance *inheritance);

/* Delivers what is pending of this one signal as its disposition says, and blocks it again. */
void signals_let_through(int number);

/* What has arrived and was not read yet; reads nothing. */
signal_mask signals_pending(void);

/* A non-blocking, close-on-exec signalfd for all signals, or -1 with the error filled. */
int signals_open(struct error *error) MUST_USE;

struct received_signal {
    int number;
    bool from_kernel; /* No process sent it: the terminal (SI_KERNEL), or the end of a child. */
    int32_t sender;   /* Its process, 0 when that is outside our PID namespace. A
                         SIGPIPE is sent by the process that wrote. */
};

/* The next pending signal; false when there is none at the moment. */
bool signals_read(int signal_fd, struct received_signal *received);

/* 15 for "TERM", "SIGTERM" and "15"; 0 for what names no signal from 1 to 64. */
int signals_number(const char *name);

/* "TERM" for 15; "RTMIN+3" for 37; the number where there is no name; never NULL. The text is
 * static, or in a buffer that the next call for a real-time signal uses again. */
const char *signals_name(int number);

#endif
