/*
 * Wrappers and programs, as data. Adding one is one line here and one row in
 * test/vectors/recognise.tsv.
 */
#ifndef COMMAND_TABLES_H
#define COMMAND_TABLES_H

#include <stddef.h>

#include "signalbox/command/recognise.h"

/* A program that runs the words behind it. */
struct wrapper {
    const char *name;
    const char *subcommand; /* The word that must follow its options, such as `exec`; or NULL. */
    /* Options that take the next word as their value, between blanks. */
    const char *options_with_value;
    /* Options that take none, between blanks; any other option ends the walk. */
    const char *options;
};

/* A program that decides what the command is. */
struct program {
    const char *name;
    enum command_kind kind;           /* What it is with one of the subcommands, or bare. */
    const char *subcommands;          /* Between blanks; NULL where none is needed. */
    enum command_kind kind_otherwise; /* With any other subcommand or with none. */
    const char *help_options;         /* With one of these it serves nothing; between blanks. */
    const char *environment_options;  /* They name the Rails environment; between blanks. */
};

const struct wrapper *wrapper_find(const char *name);
const struct program *program_find(const char *name);

#endif
