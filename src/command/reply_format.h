/*
 * The form in which an environment is sent to who asked for it.
 */
#ifndef COMMAND_REPLY_FORMAT_H
#define COMMAND_REPLY_FORMAT_H

#include "signalbox/base/text.h"
#include "signalbox/command/ask.h"

/* The kernel gives a program 6 MB of words and variables at most, whatever its limits are. */
enum { REPLY_LENGTH_MOST = 8 << 20 };

enum reply_result {
    REPLY_WHOLE,
    REPLY_UNFINISHED, /* More has to come. */
    REPLY_WRONG       /* It is none. */
};

/* Appends the answer. `directory` may be empty. */
void reply_format_write(char *const environment[], const char *directory, struct text *bytes);

/* Reads the `length` bytes, which hold anything. `answer` is filled only where the result is
 * REPLY_WHOLE, and released by the caller. Variables are kept in their order, several of one name
 * too; what has no name is left out. */
enum reply_result reply_format_read(
    const char *bytes, size_t length, struct wrapper_answer *answer);

#endif
