/*
 * A line split into words as a POSIX shell quotes them (2.2: backslash, '…', "…"), without any
 * expansion. What a shell would do beyond words is refused, not guessed.
 */
#ifndef SIGNALBOX_COMMAND_WORDS_H
#define SIGNALBOX_COMMAND_WORDS_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum words_result {
    WORDS_OK,
    WORDS_OPEN_QUOTE,   /* A quote or a final backslash has no end. */
    WORDS_SHELL_SYNTAX, /* ; & | < > ( ) $ ` * ? [ # ~ or a newline, unquoted. */
};

/* Appends the words of `line` to `words`. Where the result is not WORDS_OK, *offset says at which
 * byte and `words` is as it was. */
enum words_result words_split(const char *line, struct string_list *words, size_t *offset) MUST_USE;

/* The opposite: one line that words_split splits into the same words again. */
void words_join(char *const *words, size_t count, struct text *line);

/* POSIX 2.10.2, rule 7: the length of the name before the first `=`, 0 where it is none. */
size_t words_assignment_length(const char *word);

#endif
