/*
 * The one reader of quoted words, for --step and --server (which refuse what a shell would act on),
 * for `sh -c` strings (POSIX 2.2 and 2.3, with bash's operators) and for `env -S`.
 */
#ifndef COMMAND_LEXER_H
#define COMMAND_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/text.h"

enum lexer_dialect {
    LEXER_WORDS, /* Words only: anything that a shell would act on is LEXEME_REFUSED. */
    LEXER_SHELL,
    LEXER_ENV /* env -S: no operators, escapes of its own. */
};

enum lexeme_kind {
    LEXEME_END,
    LEXEME_WORD,
    LEXEME_OPERATOR,    /* A control operator, a parenthesis or a newline. */
    LEXEME_REDIRECTION, /* Its target is the next word. */
    LEXEME_OPEN,        /* A quote, a substitution or a final backslash has no end. */
    LEXEME_REFUSED
};

struct lexeme {
    enum lexeme_kind kind;
    size_t offset;       /* Of its first byte; of the byte at fault for LEXEME_REFUSED. */
    bool is_quoted;      /* Some of the word was quoted, so that it is no keyword. */
    bool is_substituted; /* Some of it came from a substitution. */
    bool is_unresolved;  /* Some of that could not be found, and stands in the text as written. */
    struct text text;    /* Of a word without its quotes, of an operator as written. */
};

/* Finds what `$NAME` stands for: its value, "" where it is known to be unset, NULL where nothing is
 * known. */
typedef const char *lexer_lookup(const void *context, const char *name);

struct lexer {
    const char *line;
    size_t at; /* After a lexeme, the first byte behind it. */
    enum lexer_dialect dialect;
    lexer_lookup *lookup; /* NULL where nothing can be looked up. */
    const void *context;
    struct string_list *commands; /* Gets the text of each `$(…)` passed by; or NULL. */
};

/* The next lexeme, into `lexeme`, whose text is released or reused by the next call; the caller
 * releases the last one with text_release. */
void lexer_next(struct lexer *lexer, struct lexeme *lexeme);

#endif
