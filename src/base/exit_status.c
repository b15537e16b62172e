/*
 * From the kernel's wait status to a shell's exit status.
 */
#include "signalbox/base/exit_status.h"

#include <sys/wait.h>

int exit_status_from_wait(int wait_status) {
    if (WIFEXITED(wait_status)) {
        return WEXITSTATUS(wait_status);
    }
    if (WIFSIGNALED(wait_status)) {
        return EXIT_STATUS_SIGNAL_BASE + WTERMSIG(wait_status);
    }
    /* waitpid without WUNTRACED and WCONTINUED reports ends only; an unexpected number must not
     * look like success. */
    return EXIT_STATUS_SYSTEM;
}
