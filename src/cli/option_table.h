/*
 * The option table: one row an option. Adding one is a row there, a member of struct options, and a
 * row in doc/options.md, which a test holds against this table.
 */
#ifndef CLI_OPTION_TABLE_H
#define CLI_OPTION_TABLE_H

#include <stddef.h>

#include "signalbox/cli/options.h"

enum option_type {
    OPTION_CHOICE,       /* One of `choices`, stored as an int-sized enum by position. */
    OPTION_SWITCH,       /* bool; the flag alone means on. */
    OPTION_TEXT,         /* const char *. */
    OPTION_SECRET,       /* const char *, never printed. */
    OPTION_NUMBER,       /* int64_t in the range of an int4. */
    OPTION_COUNT,        /* int64_t from 0 to 100. */
    OPTION_DURATION,     /* int64_t in milliseconds. */
    OPTION_LOCK_TIMEOUT, /* The same, in the range that PostgreSQL has for it. */
    OPTION_COMMAND,      /* struct step_list of one. */
    OPTION_STEPS,        /* struct step_list; repeatable; ` && ` in the variable. */
    OPTION_COMMANDS,     /* struct server_list; repeatable; newline or ; in the variable. */
    OPTION_PATHS,        /* struct string_list; newline or ; between them. */
    OPTION_LOCK,         /* struct lock_choice. */
    OPTION_USER,         /* const char *, NAME[:GROUP]. */
    OPTION_CAPS,         /* const char *, none or a list. */
    OPTION_REWRITES,     /* struct signal_rewrite_list; repeatable; blanks or ; in the variable. */
    OPTION_STATUSES      /* struct status_list; repeatable; blanks or ; in the variable. */
};

enum option_group { GROUP_PREPARING, GROUP_TIMES, GROUP_COMMAND, GROUP_LOG, GROUP_COUNT };

struct option_row {
    const char *flag;
    const char *variable;
    enum option_type type;
    enum option_group group;
    size_t offset;
    const char *initial;  /* As a user would write it; NULL where there is none. */
    const char *argument; /* For --help. */
    const char *const *choices;
    const char *help;
};

struct request_row {
    const char *flag;
    enum options_request request;
    const char *help;
};

extern const struct option_row option_table_rows[];
extern const size_t option_table_row_count;
extern const struct request_row option_table_requests[];
extern const size_t option_table_request_count;
extern const char *const option_table_group_titles[GROUP_COUNT];

#endif
