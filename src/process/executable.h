/*
 * What a file that could not be executed is, by its first bytes, and what it lacks. For a child of
 * vfork: nothing here allocates, takes a lock or waits.
 */
#ifndef SIGNALBOX_PROCESS_EXECUTABLE_H
#define SIGNALBOX_PROCESS_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/cleanup.h"

/* What the kernel and the shells look at: the kernel's own length for a #! line. */
#define EXECUTABLE_HEAD_LENGTH 256

enum executable_kind {
    EXECUTABLE_TEXT,  /* What a shell can be given, with a #! line or without. */
    EXECUTABLE_ELF,   /* A program of Linux, for whatever machine. */
    EXECUTABLE_EMPTY, /* Nothing at all: a copy that failed, rather than a script. */
    EXECUTABLE_UTF16, /* Text that no shell reads. */
    EXECUTABLE_DATA   /* Anything else: a NUL stands in its first line, as bash decides it. */
};

enum executable_kind executable_kind(const char *head, size_t length);

/* The interpreter of a #! line: its length, and where it begins in `head`; 0 where there is none.
 */
size_t executable_interpreter(const char *head, size_t length, const char **begin);

/* The machine that an ELF file is for, as container images name it, or NULL for one without such a
 * name. */
const char *executable_machine(const char *head, size_t length);

/* Whether the file is text, so that a shell may be given it; reads the file. */
bool executable_is_text(const char *file) MUST_USE;

/* Words that say why the kernel refused to execute `file` with this errno; `explanation` stays
 * empty where errno's own words say as much. Reads the file, and what it needs. */
void executable_explain(const char *file, int error_number, char explanation[], size_t capacity);

#endif
