/*
 * What the bench runs under an init.
 *
 *   command answer          writes "r" when it is ready, and a byte for each USR1
 *   command orphans COUNT   leaves so many processes to the init, each of which ends at once, and
 *                           ends when the init has reaped the last
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(void) {
    sigset_t signals;
    int number = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    ssize_t written = write(STDOUT_FILENO, "r", 1);
    while (written == 1 && sigwait(&signals, &number) == 0) {
        written = write(STDOUT_FILENO, "a", 1);
    }
}

/* The child of a child that has ended is the init's. */
static pid_t leave_orphan(int results) {
    pid_t child = fork();
    if (child == 0) {
        pid_t orphan = fork();
        if (orphan == 0) {
            _exit(0);
        }
        ssize_t written = write(results, &orphan, sizeof orphan);
        _exit(written == (ssize_t)sizeof orphan ? 0 : 1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && status == 0 ? child : -1;
}

int main(int argc, char *argv[]) {
    if (argc == 2 && strcmp(argv[1], "answer") == 0) {
        answer();
        return 1;
    }
    if (argc != 3 || strcmp(argv[1], "orphans") != 0) {
        return 64;
    }
    int results[2];
    pid_t orphan = -1;
    if (pipe(results) != 0) {
        return 1;
    }
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--) {
        if (leave_orphan(results[1]) < 0 ||
            read(results[0], &orphan, sizeof orphan) != (ssize_t)sizeof orphan) {
            return 1;
        }
    }
    /* A zombie can still be signalled. */
    while (kill(orphan, 0) == 0) {
        (void)usleep(100);
    }
    return 0;
}
