/*
 * Sockets that were handed to us by number (LISTEN_FDS) are for the process that LISTEN_PID names:
 * us, until we start the command that they are meant for.
 */
#ifndef SIGNALBOX_PROCESS_LISTENING_H
#define SIGNALBOX_PROCESS_LISTENING_H

#include <stdbool.h>
#include <sys/types.h>

struct listening {
    char **environment; /* NULL when nothing is handed on. */
    char assignment[sizeof "LISTEN_PID=-2147483648"];
};

/* Copies `environment` with room for another LISTEN_PID when it names `self`; the strings are
 * shared. False when there is no memory. The value must not be moved afterwards. */
bool listening_prepare(struct listening *listening, char *const environment[], pid_t self);

/* Writes the number of who will listen; only memory is touched. */
void listening_hand_on(struct listening *listening, pid_t process);

void listening_release(struct listening *listening);
#define AUTO_LISTENING __attribute__((cleanup(listening_release)))

#endif
