/*
 * How long programs take from their start to their end, as PID 1 of a PID namespace of their own or
 * as a child like any other, one after the other in every round, so that whatever else the machine
 * does is the same for all.
 *
 *   startup pid1|child ROUNDS PROGRAM WORDS… , PROGRAM WORDS… , …
 *
 * Prints the tenth of the way through each one's sorted times, in microseconds.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS_MAX 16

static int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t run_ns(unsigned long namespaces, char *argv[]) {
    int status = 0;
    int64_t began = now_ns();
    pid_t child = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        (void)execv(argv[0], argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        (void)fprintf(stderr, "startup: %s failed: %d\n", argv[0], status);
        exit(1);
    }
    return now_ns() - began;
}

static int compare(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

int main(int argc, char *argv[]) {
    char **programs[PROGRAMS_MAX];
    int64_t *times[PROGRAMS_MAX];
    size_t count = 0;
    long rounds = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
    if (rounds < 10) {
        return 64;
    }
    unsigned long namespaces = strcmp(argv[1], "pid1") == 0 ? CLONE_NEWPID : 0;
    programs[count++] = argv + 3;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], ",") == 0 && count < PROGRAMS_MAX) {
            argv[i] = NULL;
            programs[count++] = argv + i + 1;
        }
    }
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    int output = dup(STDOUT_FILENO);
    (void)dup2(nowhere, STDIN_FILENO);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)fcntl(output, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        times[i] = calloc((size_t)rounds, sizeof **times);
    }
    for (long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            times[i][round] = run_ns(namespaces, programs[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        qsort(times[i], (size_t)rounds, sizeof **times, compare);
        (void)dprintf(output, "%.1f\n", (double)times[i][rounds / 10] / 1000);
    }
    return 0;
}
