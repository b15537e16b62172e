/*
 * Owns the process's signal mask, the dispositions it inherited and the signalfd. Decides nothing
 * about what a signal means.
 * The trap: a C library keeps signals for itself (glibc 32 and 33, musl 32 to 34) and silently
 * drops them from every mask that passes through it, so the command would not get the mask as it
 * was inherited. Hence the raw system calls, with the kernel's 64-bit word.
 */
#include "signalbox/process/signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"

#define SIGNAL_FIRST_REALTIME 34 /* What kill -l calls RTMIN; musl's SIGRTMIN is one higher. */

/* What rt_sigaction takes on x86-64 and arm64, which is not the C library's struct sigaction. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    signal_mask mask;
};

static const char *const signal_names[] = {
    [SIGHUP] = "HUP",
    [SIGINT] = "INT",
    [SIGQUIT] = "QUIT",
    [SIGILL] = "ILL",
    [SIGTRAP] = "TRAP",
    [SIGABRT] = "ABRT",
    [SIGBUS] = "BUS",
    [SIGFPE] = "FPE",
    [SIGKILL] = "KILL",
    [SIGUSR1] = "USR1",
    [SIGSEGV] = "SEGV",
    [SIGUSR2] = "USR2",
    [SIGPIPE] = "PIPE",
    [SIGALRM] = "ALRM",
    [SIGTERM] = "TERM",
    [SIGSTKFLT] = "STKFLT",
    [SIGCHLD] = "CHLD",
    [SIGCONT] = "CONT",
    [SIGSTOP] = "STOP",
    [SIGTSTP] = "TSTP",
    [SIGTTIN] = "TTIN",
    [SIGTTOU] = "TTOU",
    [SIGURG] = "URG",
    [SIGXCPU] = "XCPU",
    [SIGXFSZ] = "XFSZ",
    [SIGVTALRM] = "VTALRM",
    [SIGPROF] = "PROF",
    [SIGWINCH] = "WINCH",
    [SIGIO] = "IO",
    [SIGPWR] = "PWR",
    [SIGSYS] = "SYS",
};

/* The clearest first. */
static const int asking_for_end[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

/* These calls can only fail for arguments that are wrong here, so their results are dropped. */
static void mask_set(const signal_mask *mask, signal_mask *before) {
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, before, sizeof *mask);
}

static void disposition_set(int number, void (*handler)(int)) {
    struct kernel_sigaction action = {.handler = handler};
    (void)syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

static bool disposition_is_ignore(int number) {
    struct kernel_sigaction action = {.handler = SIG_DFL};
    (void)syscall(SYS_rt_sigaction, number, NULL, &action, sizeof action.mask);
    return action.handler == SIG_IGN;
}

int signals_asking_for_end(signal_mask mask) {
    for (size_t i = 0; i < ARRAY_LENGTH(asking_for_end); i++) {
        if ((mask & SIGNAL_BIT(asking_for_end[i])) != 0) {
            return asking_for_end[i];
        }
    }
    return 0;
}

bool signals_ask_for_end(int number) {
    return number > 0 && number <= SIGNAL_LAST && signals_asking_for_end(SIGNAL_BIT(number)) != 0;
}

static void note_if_ignored(int number, struct signal_inheritance *inheritance) {
    if (disposition_is_ignore(number)) {
        inheritance->ignored |= SIGNAL_BIT(number);
    }
}

void signals_take_over(struct signal_inheritance *inheritance) {
    /* An exec hands an ignored signal on by itself. Only those are asked for that we change, and
     * those that mean an end unless they are ignored: to ask for all 64 would be a fifth of the
     * time that we take to start. */
    signal_mask all = SIGNAL_MASK_ALL;
    mask_set(&all, &inheritance->mask);

    inheritance->ignored = 0;
    note_if_ignored(SIGPIPE, inheritance);
    note_if_ignored(SIGCHLD, inheritance);
    for (size_t i = 0; i < ARRAY_LENGTH(asking_for_end); i++) {
        note_if_ignored(asking_for_end[i], inheritance);
    }
    disposition_set(SIGCHLD, SIG_DFL);
}

void signals_give_back(const struct signal_inheritance *inheritance) {
    /* An exec turns handlers into defaults by itself. What it would hand on is an ignored signal,
     * and the two that this program or a library of it changes are CHLD and PIPE. */
    static const signal_mask changed = SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGPIPE);
    for (int number = 1; number <= SIGNAL_LAST; number++) {
        if ((inheritance->ignored & SIGNAL_BIT(number)) != 0) {
            disposition_set(number, SIG_IGN);
        } else if ((changed & SIGNAL_BIT(number)) != 0) {
            disposition_set(number, SIG_DFL);
        }
    }
    /* The mask comes last: a pending signal must meet the disposition that it would have met
     * without us. */
    mask_set(&inheritance->mask, NULL);
}

void signals_let_through(int number) {
    signal_mask all = SIGNAL_MASK_ALL;
    signal_mask others = SIGNAL_MASK_ALL & ~SIGNAL_BIT(number);
    mask_set(&others, NULL);
    mask_set(&all, NULL);
}

signal_mask signals_pending(void) {
    signal_mask pending = 0;
    (void)syscall(SYS_rt_sigpending, &pending, sizeof pending);
    return pending;
}

int signals_open(struct error *error) {
    signal_mask all = SIGNAL_MASK_ALL;
    long fd = syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        error_set(
            error, EXIT_STATUS_SYSTEM, "cannot receive signals (signalfd): %s", strerror(errno));
        return -1;
    }
    return (int)fd;
}

bool signals_read(int signal_fd, struct received_signal *received) {
    struct signalfd_siginfo info;
    ssize_t length;
    do {
        length = read(signal_fd, &info, sizeof info);
    } while (length < 0 && errno == EINTR);
    if (length != (ssize_t)sizeof info) {
        return false;
    }
    received->number = (int)info.ssi_signo;
    received->from_kernel = info.ssi_code > 0;
    received->sender = (int32_t)info.ssi_pid;
    return true;
}

int signals_number(const char *name) {
    int64_t number = 0;
    if (number_parse(name, 1, SIGNAL_LAST, &number)) {
        return (int)number;
    }
    const char *plain = string_has_prefix(name, "SIG") ? name + 3 : name;
    for (size_t i = 0; i < ARRAY_LENGTH(signal_names); i++) {
        if (signal_names[i] != NULL && strcmp(signal_names[i], plain) == 0) {
            return (int)i;
        }
    }
    if (strcmp(plain, "RTMIN") == 0) {
        return SIGNAL_FIRST_REALTIME;
    }
    if (string_has_prefix(plain, "RTMIN+") &&
        number_parse(plain + 6, 0, SIGNAL_LAST - SIGNAL_FIRST_REALTIME, &number)) {
        return SIGNAL_FIRST_REALTIME + (int)number;
    }
    return 0;
}

const char *signals_name(int number) {
    static char text[sizeof "RTMIN+-2147483648"];
    if (number > 0 && (size_t)number < ARRAY_LENGTH(signal_names) && signal_names[number] != NULL) {
        return signal_names[number];
    }
    if (number == SIGNAL_FIRST_REALTIME) {
        return "RTMIN";
    }
    bool realtime = number > SIGNAL_FIRST_REALTIME && number <= SIGNAL_LAST;
    (void)snprintf(text, sizeof text, realtime ? "RTMIN+%d" : "%d",
        realtime ? number - SIGNAL_FIRST_REALTIME : number);
    return text;
}
