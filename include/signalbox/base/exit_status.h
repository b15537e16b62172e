/*
 * Every exit status that Signalbox itself can choose; a command's or a step's own status passes
 * through unchanged. The numbers are those of sysexits.h and of POSIX shells (2.8.2), so that an
 * orchestrator's operator can look them up. The README's table is held against this list by a test.
 */
#ifndef SIGNALBOX_BASE_EXIT_STATUS_H
#define SIGNALBOX_BASE_EXIT_STATUS_H

enum exit_status {
    EXIT_STATUS_SUCCESS = 0,
    EXIT_STATUS_NOT_PREPARED = 1,     /* Only from --status. */
    EXIT_STATUS_USAGE = 64,           /* An option or the command line makes no sense. */
    EXIT_STATUS_UNAVAILABLE = 69,     /* The database was not reachable in time. */
    EXIT_STATUS_SYSTEM = 71,          /* The operating system refused: no process, no memory. */
    EXIT_STATUS_WAITED_TOO_LONG = 75, /* Another replica took too long, or the lock was lost. */
    EXIT_STATUS_PRIVILEGES = 77,      /* --user or --caps cannot be had here. */
    EXIT_STATUS_CONFIGURATION = 78,   /* The configuration cannot work as it stands. */
    EXIT_STATUS_NOT_EXECUTABLE = 126,
    EXIT_STATUS_NOT_FOUND = 127,
    EXIT_STATUS_SIGNAL_BASE = 128 /* 128 + N: signal N ended it. */
};

/* A wait status as waitpid(2) gives it, as an exit status: the code, or 128 + the signal. */
int exit_status_from_wait(int wait_status);

#endif
