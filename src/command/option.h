/*
 * One option of a wrapper, read by the table's notation (see struct wrapper).
 */
#ifndef COMMAND_OPTION_H
#define COMMAND_OPTION_H

#include "command/tables.h"
#include "command/word_list.h"

enum option_result {
    OPTION_READ,    /* `at` is behind it and its value. */
    OPTION_NONE,    /* The word is no option. */
    OPTION_DASHES,  /* `--`: what follows is none either. */
    OPTION_NOTHING, /* Nothing will be run. */
    OPTION_CONSOLE,
    OPTION_UNKNOWN
};

struct option_effect {
    char letter;       /* Of the table; '\0' for none. */
    struct word value; /* Where it takes one: points into the word that it stands in. */
};

enum { OPTION_EFFECTS = 16 };

struct option_reading {
    size_t at;
    struct option_effect effects[OPTION_EFFECTS]; /* Of a cluster there may be several. */
    size_t count;
    bool took_several; /* All words up to the next option, so that a step behind it would be one. */
};

enum option_result option_read(
    const struct wrapper *wrapper, const struct word_list *words, struct option_reading *reading);

#endif
