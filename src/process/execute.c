/*
 * Owns the search along PATH, the exec, /bin/sh for a file without #!, and the message and status
 * for a program that cannot be executed. Starts no process.
 * The trap: this runs between vfork and exec, in the memory of a suspended parent. Nothing here
 * allocates, takes a lock, blocks, or leaves anything changed but the caller's `shell_argv`.
 */
#include "process/execute.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "process/executable.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/output.h"

#define SHELL "/bin/sh"

/* Where PATH is unset. The C libraries differ here, and an image's ruby is in /usr/local/bin. */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

#define NAME_SHOWN_MAX 512
#define EXPLANATION_SHOWN_MAX 1024

/* For interfaces that take characters without const and do not write to them. */
static char *without_const(const char *text) {
    union {
        const char *given;
        char *taken;
    } pointer = {.given = text};
    return pointer.taken;
}

static const char *path_of(char *const environment[]) {
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return PATH_DEFAULT;
}

static int execute_file(
    const char *file, char *const argv[], char *const environment[], char **shell_argv) {
    (void)execve(file, argv, environment);
    if (errno != ENOEXEC || shell_argv == NULL) {
        return errno;
    }
    if (!executable_is_text(file)) {
        return ENOEXEC;
    }
    shell_argv[1] = without_const(file);
    (void)execve(SHELL, shell_argv, environment);
    return ENOEXEC;
}

/* Writes "directory/name" into `path`; an empty directory is the current one. */
static bool path_join(char path[static PATH_MAX], const char *directory, size_t directory_length,
    const char *name, size_t name_length) {
    size_t slash = directory_length > 0 ? 1 : 0;
    if (directory_length + slash + name_length + 1 > PATH_MAX) {
        return false;
    }
    memcpy(path, directory, directory_length);
    if (slash > 0) {
        path[directory_length] = '/';
    }
    memcpy(path + directory_length + slash, name, name_length + 1);
    return true;
}

/* Errors that mean "not in this directory": the search goes on, as execvp's does. */
static bool is_absence(int error_number) {
    return error_number == ENOENT || error_number == ENOTDIR || error_number == ESTALE ||
        error_number == ENODEV || error_number == ETIMEDOUT || error_number == ENAMETOOLONG;
}

static int execute_along_path(char *const argv[], char *const environment[], char **shell_argv) {
    char path[PATH_MAX];
    size_t name_length = strlen(argv[0]);
    bool refused = false;

    for (const char *directory = path_of(environment);;) {
        const char *end = strchrnul(directory, ':');
        if (path_join(path, directory, (size_t)(end - directory), argv[0], name_length)) {
            int error_number = execute_file(path, argv, environment, shell_argv);
            if (error_number == EACCES) {
                refused = true;
            } else if (!is_absence(error_number)) {
                return error_number;
            }
        }
        if (*end == '\0') {
            return refused ? EACCES : ENOENT;
        }
        directory = end + 1;
    }
}

char **execute_shell_arguments(char *const argv[]) {
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    /* The shell and the file in place of argv[0], and the NULL at the end. */
    char **shell_argv = calloc(count + 2, sizeof *shell_argv);
    if (shell_argv != NULL && count > 0) {
        static char shell[] = SHELL;
        shell_argv[0] = shell;
        memcpy(shell_argv + 2, argv + 1, (count - 1) * sizeof *shell_argv);
    }
    return shell_argv;
}

int execute_program(char *const argv[], char *const environment[], char **shell_argv) {
    if (argv[0] == NULL || argv[0][0] == '\0') {
        return ENOENT;
    }
    if (strchr(argv[0], '/') != NULL) {
        return execute_file(argv[0], argv, environment, shell_argv);
    }
    return execute_along_path(argv, environment, shell_argv);
}

static struct iovec piece(const char *text, size_t length) {
    return (struct iovec){.iov_base = without_const(text), .iov_len = length};
}

/* What the search along PATH has found and the kernel has refused all the same. */
static bool find_along_path(const char *name, char *const environment[], char path[PATH_MAX]) {
    for (const char *directory = path_of(environment);;) {
        const char *end = strchrnul(directory, ':');
        if (path_join(path, directory, (size_t)(end - directory), name, strlen(name)) &&
            access(path, X_OK) == 0) {
            return true;
        }
        if (*end == '\0') {
            return false;
        }
        directory = end + 1;
    }
}

int execute_explain_failure(const char *name, char *const environment[], int error_number) {
    static const char before[] = "signalbox: cannot run ";
    char path[PATH_MAX];
    char explanation[EXPLANATION_SHOWN_MAX] = "";
    if (name == NULL) {
        name = "";
    }
    bool is_path = strchr(name, '/') != NULL;
    bool is_found = is_path ? access(name, F_OK) == 0
                            : name[0] != '\0' && find_along_path(name, environment, path);
    if (is_found) {
        executable_explain(is_path ? name : path, error_number, explanation, sizeof explanation);
    }
    const char *reason = explanation[0] != '\0' ? explanation
        : error_number == ENOENT && !is_path    ? "not found in PATH"
                                                : strerror(error_number);

    const struct iovec line[] = {
        piece(before, sizeof before - 1),
        piece(name, strnlen(name, NAME_SHOWN_MAX)),
        piece(": ", 2),
        piece(reason, strlen(reason)),
        piece("\n", 1),
    };
    /* A full pipe must not hold the parent, which is suspended until we are gone; a broken one
     * would end us by SIGPIPE, and the status would say that instead. */
    (void)!output_write(STDERR_FILENO, line, (int)ARRAY_LENGTH(line));
    return error_number == ENOENT || error_number == ENOTDIR ? EXIT_STATUS_NOT_FOUND
                                                             : EXIT_STATUS_NOT_EXECUTABLE;
}
