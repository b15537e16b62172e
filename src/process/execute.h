/*
 * What execvp(3) does, with a PATH from any environment and without allocating: it runs in a
 * vforked child, where the memory is the parent's.
 */
#ifndef SIGNALBOX_PROCESS_EXECUTE_H
#define SIGNALBOX_PROCESS_EXECUTE_H

#include "signalbox/base/cleanup.h"

/* Room for `/bin/sh FILE arguments…`, made beforehand because execute_program must not allocate.
 * NULL when there is no memory; free it. */
char **execute_shell_arguments(char *const argv[]) MUST_USE;

/* Becomes the program; returns only on failure, with errno's number. `shell_argv` may be NULL: then
 * a file without #! is an error. With it, only text is given to a shell. */
int execute_program(char *const argv[], char *const environment[], char **shell_argv) MUST_USE;

/* Says in one write on standard error why argv[0] was not executed, if that does not block, and
 * returns the exit status for it: 127 not found, 126 anything else. */
int execute_explain_failure(const char *name, char *const environment[], int error_number) MUST_USE;

#endif
