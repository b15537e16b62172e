/*
 * Reading the words of one wrapper: its options, its operands, and where the command behind it
 * begins.
 */
#ifndef COMMAND_WRAPPER_H
#define COMMAND_WRAPPER_H

#include "command/tables.h"
#include "command/word_list.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"

enum wrapper_result {
    WRAPPER_RUNS,    /* The command begins at `at`. */
    WRAPPER_STRING,  /* It runs `string` by a shell, with `arguments` as $0, $1 and so on. */
    WRAPPER_SHELL,   /* It runs a shell with `arguments`. */
    WRAPPER_CONSOLE, /* It runs a shell or a console for a person. */
    WRAPPER_NOTHING, /* It was asked for its help, or has no command. */
    WRAPPER_FOREIGN, /* It has no subcommand of the table: it wraps nothing. */
    WRAPPER_LOST     /* Its words could not be understood. */
};

struct wrapper_reading {
    const struct wrapper *wrapper;
    struct word_list *words; /* `env -S` puts its words in its place. */
    size_t at;               /* Before: the wrapper's own word. After: the command's. */
    struct context *around;
    struct string_list *owned; /* Holds the texts of words that stand in no argv. */
    struct word string;
    struct word_list arguments; /* Released by the caller. */
    bool is_shell;              /* Its words are a shell's: none of them is a command of its own. */
};

enum wrapper_result wrapper_read(struct wrapper_reading *reading);

/* "bundle exec" rather than "bundle". */
void wrapper_describe(const struct wrapper *wrapper, struct text *text);

/* `_2.4.1_`: by that RubyGems' executables choose the version of their gem. */
bool wrapper_is_gem_version(const char *word);

#endif
