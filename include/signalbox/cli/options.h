/*
 * The options of doc/options.md, each a flag and an environment variable; the flag wins.
 * One table in option_table.c gives parsing, --help, the names, the defaults and where each value
 * came from.
 */
#ifndef SIGNALBOX_CLI_OPTIONS_H
#define SIGNALBOX_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/server.h"
#include "signalbox/command/step.h"
#include "signalbox/prepare/lock_choice.h"
#include "signalbox/report/report.h"

enum prepare_mode {
    PREPARE_AUTO, /* Server commands prepare first. */
    PREPARE_ANY,  /* Other commands too. */
    PREPARE_NEVER,
    PREPARE_WAIT /* Hold the command until another replica has prepared. */
};

enum init_mode { INIT_AUTO, INIT_ALWAYS, INIT_NEVER };

struct signal_rewrite {
    int from;
    int to; /* 0: the signal is dropped. */
};

struct signal_rewrite_list {
    struct signal_rewrite *items;
    size_t count;
};

struct status_list {
    int *items;
    size_t count;
};

#define DURATION_NONE (-1)

enum options_request {
    REQUEST_RUN,
    REQUEST_EXPLAIN,
    REQUEST_STATUS,
    REQUEST_VERSION,
    REQUEST_HELP
};

#define OPTIONS_MOST 32

struct options {
    enum options_request request;
    enum prepare_mode prepare;
    struct step_list steps;
    struct step_list on_finish; /* One, or none. */
    struct server_list servers;
    const char *database_url;          /* NULL where it is not given. Holds a password. */
    struct step_list password_command; /* One, or none. */
    struct lock_choice lock;
    int64_t lock_key;
    struct string_list watch; /* "schema" alone, or globs and $NAMEs; empty: the whole image. */
    bool allow_schema_load;
    const char *release; /* NULL where it is not given. */
    int64_t connect_timeout_ms;
    int64_t wait_timeout_ms;
    int64_t step_timeout_ms; /* DURATION_NONE: no limit. */
    int64_t lock_timeout_ms; /* DURATION_NONE: the server's own. */
    int64_t step_retries;
    int64_t grace_ms;
    const char *user; /* NULL where it is not given; a word that user_word_parse takes. */
    const char
        *caps; /* NULL where it is not given; a list that privileges_parse_capabilities takes. */
    bool signal_group;
    struct signal_rewrite_list rewrites;
    struct status_list ok_exits;
    enum init_mode init;
    bool jemalloc;
    enum report_format log;
    enum report_level log_level;
    char *const *command;                 /* The rest of argv, ended by NULL. */
    struct string_list unknown_variables; /* One warning each, as a sentence. */
    const char *sources[OPTIONS_MOST];    /* By row of the table: the flag or variable, or NULL. */
};

/* Reads flags, then SIGNALBOX_* variables, then defaults. Strings point into argv, the environment
 * or static text. -1 with the error filled (status 64) on the first thing that makes no sense;
 * there is nothing to release then. */
int options_read(char *const argv[], char *const environment[], struct options *options,
    struct error *error) MUST_USE;

/* Where the value of `flag` came from: the flag itself, its variable, or "default". */
const char *options_source(const struct options *options, const char *flag);
bool options_is_default(const struct options *options, const char *flag);

void options_release(struct options *options);

/* What --help prints: at most 80 columns. */
void option_help(struct text *text);

/* For --explain: an option that takes a value, that value in words (never a secret), and where it
 * came from: "default", the flag or the variable. */
struct option_description {
    const char *flag;
    const char *source;
    struct text value; /* The caller releases it. */
};
size_t options_count(void);
struct option_description options_describe(const struct options *options, size_t index);

#endif
