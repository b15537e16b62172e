/*
 * What a program is, from its own words: its subcommand, its help and version options, the
 * environment that it names.
 */
#ifndef COMMAND_PROGRAM_H
#define COMMAND_PROGRAM_H

#include "command/tables.h"
#include "command/word_list.h"

struct program_reading {
    enum command_kind kind;
    char rule[128];
    const char *environment; /* As its option names it, or NULL; points into a word. */
    bool names_rails_env;    /* It sets RAILS_ENV itself, and not only RACK_ENV. */
};

struct program_reading program_read(
    const struct program *program, const struct word_list *words, size_t at);

#endif
