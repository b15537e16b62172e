/*
 * Wrappers and programs, as data. Adding one is one line in tables.c, a row in
 * test/vectors/recognise.tsv, and one in learned.tsv for what goes before the steps.
 */
#ifndef COMMAND_TABLES_H
#define COMMAND_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/command/recognise.h"

/* How a wrapper reads its options. */
enum wrapper_style {
    STYLE_EXACT = 0,               /* Only as they are written in the table. */
    STYLE_CLUSTERS = 1U << 0U,     /* `-ab`, `-ovalue`: getopt. */
    STYLE_ABBREVIATES = 1U << 1U,  /* `--chd` for `--chdir`: getopt_long, OptionParser. */
    STYLE_SWITCHES = 1U << 2U,     /* `--flag=false`: Go's pflag and kingpin. */
    STYLE_NUMBERS = 1U << 3U,      /* `-10` is an option: nice. */
    STYLE_INTERSPERSED = 1U << 4U, /* Options among its own words, until `--`. */
    STYLE_ASSIGNMENTS = 1U << 5U,  /* NAME=VALUE before the command. */
    STYLE_BEFORE_STEPS = 1U << 6U, /* It goes before each step too. */
    STYLE_SECRETS = 1U << 7U,      /* The database may come from it. */
    STYLE_SHELL_WORDS = 1U << 8U,  /* What follows are a shell's own arguments: su. */
    STYLE_ROOT = 1U << 9U,         /* It becomes root where no user is named. */
    STYLE_CONSOLE = 1U << 10U,     /* Without a command it is a console. */
    STYLE_LENIENT = 1U << 11U,     /* A long option that is not listed takes no value: ruby. */
    STYLE_ASKED = 1U << 12U,       /* What it does to the environment, only it knows. */
    STYLE_FINDS = 1U << 13U,       /* A program of a gem behind it may be found only by it. */
    STYLE_OF_GEM = 1U << 14U,      /* It is such a program. */
    STYLE_JOINED = 1U << 15U       /* Its command is one word for a shell. */
};

/*
 * A program that runs the words behind it.
 *
 * `options` are between blanks, each with a mark behind it: none or `.` takes no value, `:` takes
 * one, `?` takes one only if it is attached, `~` takes the next word too unless that is an option,
 * `+` takes all words up to the next option, `!` means that nothing will be run. Then a letter for
 * what it does: U the value is the user, C the directory, N a variable to take away, S words to be
 * split, X a shell string; I clears the environment, A changes it as only the wrapper knows, L is a
 * shell where no command follows, T makes it a console.
 *
 * `operands` are its own words before the command, one letter each: `w` any, `u` the user, `c` a
 * directory, `n` begins with a digit, `m` a set of CPUs, `?` the next one may be missing, `-`
 * everything up to `--`.
 */
struct wrapper {
    const char *name;
    const char *subcommands; /* One of these must come first, between blanks; or NULL. */
    const char *operands;
    unsigned style;
    const char *options;
};

/* Where a program's subcommand stands. */
enum subcommand_place {
    PLACE_FIRST,   /* It is the first word. */
    PLACE_ANY,     /* Options may stand before it. */
    PLACE_OPTIONAL /* The same, and with no word at all it is as with the first subcommand. */
};

/* A program that decides what the command is. */
struct program {
    const char *name;
    enum command_kind kind;      /* What it is with one of the subcommands. */
    enum command_kind otherwise; /* With another, with none, or asked for its help. */
    const char *subcommands;     /* Between blanks; NULL where none is needed. */
    enum subcommand_place place;
    const char *valued; /* Options that take a value, between blanks. */
    /* With one of these it serves nothing; between blanks; those with a leading `^` only before a
     * subcommand. */
    const char *help;
    /* Options that name the environment; a leading `!` where they set RAILS_ENV itself, and not
     * only RACK_ENV, which RAILS_ENV beats. */
    const char *environment;
};

/* Whether the `length` bytes at `word` are one of the words between blanks in `list`. */
bool tables_has_word(const char *list, const char *word, size_t length);

/* By base name; NULL where there is no such row. */
const struct wrapper *tables_find_wrapper(const char *name);
const struct program *tables_find_program(const char *name);
bool tables_is_shell(const char *name);

/* Programs that never run a Rails server, whatever stands behind them. */
bool tables_is_other(const char *name);

/* Programs that start what a file of theirs lists, of which one may be the server. */
bool tables_is_manager(const char *name);

/* Tasks of rails and rake that work off jobs. */
bool tables_is_worker_task(const char *name);

#endif
