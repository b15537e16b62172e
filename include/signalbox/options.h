/*
 * The options of section 3 of the design, each a flag and an environment variable; the flag wins.
 * One table in options.c gives parsing, --help, the names, the defaults and where each value came
 * from.
 */
#ifndef SIGNALBOX_OPTIONS_H
#define SIGNALBOX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "signalbox/base/error.h"
#include "signalbox/base/text.h"
#include "signalbox/command/step.h"
#include "signalbox/report/report.h"

enum prepare_mode {
    PREPARE_AUTO, /* Server commands prepare first. */
    PREPARE_NEVER
};

#define OPTIONS_MOST 16

enum options_request { REQUEST_RUN, REQUEST_EXPLAIN, REQUEST_VERSION, REQUEST_HELP };

struct options {
    enum options_request request;
    enum prepare_mode prepare;
    struct step_list steps;
    const char *database_url; /* NULL where it is not given. Holds a password. */
    int64_t lock_key;
    const char *release; /* NULL where it is not given. */
    int64_t connect_timeout_ms;
    int64_t wait_timeout_ms;
    int64_t grace_ms;
    enum report_format log;
    enum report_level log_level;
    char *const *command;                 /* The rest of argv, ended by NULL. */
    struct string_list unknown_variables; /* One warning each, as a sentence. */
    const char *sources[OPTIONS_MOST];    /* By row of the table: the flag or variable, or NULL. */
};

/* Reads flags, then SIGNALBOX_* variables, then defaults. Strings point into argv, the environment
 * or static text. -1 with the error filled (status 64) on the first thing that makes no sense. */
int options_read(char *const argv[], char *const environment[], struct options *options,
    struct error *error) MUST_USE;

/* Where the value of `flag` came from: the flag itself, its variable, or "default". */
const char *options_source(const struct options *options, const char *flag);

void options_release(struct options *options);

/* What --help prints: at most 80 columns. */
void options_help(struct text *text);

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
