/*
 * Owns every call about the terminal's foreground, and our own stop. Decides nothing about when. A
 * descriptor can be any terminal, not only our controlling one, and a terminal may have gone since.
 * So each call finds the terminal anew, and no descriptor keeps one open.
 */
#include "signalbox/process/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/process/signals.h"

/* A descriptor on our controlling terminal, or -1; `*own` is one that has to be closed. */
static int terminal_find(int *own) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (tcgetpgrp(fd) >= 0) {
            return fd;
        }
    }
    *own = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return *own;
}

pid_t terminal_foreground(void) {
    AUTO_FD int own = -1;
    int fd = terminal_find(&own);
    return fd < 0 ? -1 : tcgetpgrp(fd);
}

bool terminal_give_foreground(pid_t group) {
    AUTO_FD int own = -1;
    int fd = terminal_find(&own);
    return fd >= 0 && tcsetpgrp(fd, group) == 0;
}

bool terminal_stop_ourselves(void) {
    /* With TSTP let through, the stop happens before the second call returns. Who continues us does
     * so by CONT, which stays pending behind the mask and is the proof. */
    (void)kill(0, SIGTSTP);
    signals_let_through(SIGTSTP);
    return (signals_pending() & SIGNAL_BIT(SIGCONT)) != 0;
}
