/*
 * The option table and its reader. Parsing stops at the first word that is not an option, so that
 * `signalbox rails server -p 3000` never reads the command's -p; getopt is not used because it
 * neither says which variable a bad value came from nor suggests the option that was meant.
 */
#include "signalbox/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/nearest.h"
#include "signalbox/command/words.h"
#include "signalbox/process/exit_status.h"

enum option_type {
    OPTION_CHOICE,   /* One of `choices`, stored as an int-sized enum by position. */
    OPTION_TEXT,     /* const char *. */
    OPTION_SECRET,   /* const char *, never printed. */
    OPTION_NUMBER,   /* int64_t in the range of an int4. */
    OPTION_DURATION, /* int64_t in milliseconds. */
    OPTION_STEPS     /* struct step_list; repeatable. */
};

struct option_row {
    const char *flag;
    const char *variable;
    enum option_type type;
    size_t offset;
    const char *initial; /* As a user would write it; NULL where there is none. */
    const char *argument;
    const char *const *choices;
    const char *help;
};

static const char *const prepare_choices[] = {"auto", "never", NULL};
static const char *const log_choices[] = {"text", "json", NULL};
static const char *const level_choices[] = {"error", "warn", "info", "debug", NULL};
_Static_assert(PREPARE_AUTO == 0 && PREPARE_NEVER == 1, "choices are enums by position");
_Static_assert(REPORT_TEXT == 0 && REPORT_JSON == 1, "choices are enums by position");
_Static_assert(REPORT_ERROR == 0 && REPORT_DEBUG == 3, "choices are enums by position");

static const struct option_row rows[] = {
    {"--prepare", "SIGNALBOX_PREPARE", OPTION_CHOICE, offsetof(struct options, prepare), "auto",
        "auto|never", prepare_choices,
        "auto: server commands prepare first, anything\n"
        "else starts at once. never: none prepares"},
    {"--step", "SIGNALBOX_STEPS", OPTION_STEPS, offsetof(struct options, steps),
        "./bin/rails db:prepare", "CMD", NULL,
        "what preparing is; repeat for several, in order\n"
        "(variable: joined by ` && `). Words, no shell"},
    {"--database-url", "SIGNALBOX_DATABASE_URL", OPTION_SECRET,
        offsetof(struct options, database_url), NULL, "URL", NULL,
        "where to lock; otherwise PRIMARY_DATABASE_URL,\nthen DATABASE_URL"},
    {"--lock-key", "SIGNALBOX_LOCK_KEY", OPTION_NUMBER, offsetof(struct options, lock_key), "0",
        "N", NULL, "for apps that share a database but need not\nexclude each other"},
    {"--release", "SIGNALBOX_RELEASE", OPTION_TEXT, offsetof(struct options, release), NULL, "ID",
        NULL, "prepare once per release even if no file changed"},
    {"--connect-timeout", "SIGNALBOX_CONNECT_TIMEOUT", OPTION_DURATION,
        offsetof(struct options, connect_timeout_ms), "60s", "TIME", NULL,
        "how long the database may take to come up"},
    {"--wait-timeout", "SIGNALBOX_WAIT_TIMEOUT", OPTION_DURATION,
        offsetof(struct options, wait_timeout_ms), "1h", "TIME", NULL,
        "how long to wait for another replica"},
    {"--grace", "SIGNALBOX_GRACE", OPTION_DURATION, offsetof(struct options, grace_ms), "5s",
        "TIME", NULL, "between TERM and KILL for what is left over"},
    {"--log", "SIGNALBOX_LOG", OPTION_CHOICE, offsetof(struct options, log), "text", "text|json",
        log_choices, "how to write to standard error"},
    {"--log-level", "SIGNALBOX_LOG_LEVEL", OPTION_CHOICE, offsetof(struct options, log_level),
        "info", "LEVEL", level_choices, "error, warn, info or debug"},
};
_Static_assert(ARRAY_LENGTH(rows) <= OPTIONS_MOST, "struct options has a source for every row");

static const struct {
    const char *flag;
    enum options_request request;
    const char *help;
} requests[] = {
    {"--explain", REQUEST_EXPLAIN, "say what would be done, and do nothing"},
    {"--version", REQUEST_VERSION, "print the version"},
    {"--help", REQUEST_HELP, "print this"},
};

static void *member(struct options *options, const struct option_row *row) {
    return (char *)options + row->offset;
}

/* `source` is the flag or the variable, for the message. */
static int bad_value(
    const struct option_row *row, const char *value, const char *source, struct error *error) {
    error_set(error, EXIT_STATUS_USAGE, "%s: `%s` is not allowed: use %s", source, value,
        row->type == OPTION_DURATION     ? "a duration such as 500ms, 30s, 10m or 1h"
            : row->type == OPTION_NUMBER ? "a whole number from -2147483648 to 2147483647"
                                         : row->help);
    return -1;
}

static int store_choice(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    AUTO_TEXT struct text allowed = {.data = NULL};
    for (unsigned i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], value) == 0) {
            memcpy(member(options, row), &i, sizeof i);
            return 0;
        }
        text_append_format(&allowed, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
    }
    error_set(error, EXIT_STATUS_USAGE, "%s: `%s` is not one of: %s", source, value,
        text_string(&allowed));
    return -1;
}

static int store_steps(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct step_list *steps = member(options, row);
    int result = strcmp(source, row->flag) == 0 ? step_list_append(steps, value, error)
                                                : step_list_append_joined(steps, value, error);
    if (result != 0) {
        error_add_context(error, "%s", source);
    }
    return result;
}

static int store(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    switch (row->type) {
    case OPTION_CHOICE:
        return store_choice(options, row, value, source, error);
    case OPTION_STEPS:
        return store_steps(options, row, value, source, error);
    case OPTION_TEXT:
    case OPTION_SECRET:
        memcpy(member(options, row), &value, sizeof value);
        return 0;
    case OPTION_NUMBER:
        return number_parse(value, INT32_MIN, INT32_MAX, member(options, row))
            ? 0
            : bad_value(row, value, source, error);
    case OPTION_DURATION:
        return duration_parse(value, member(options, row)) ? 0
                                                           : bad_value(row, value, source, error);
    }
    return -1;
}

/* The row whose flag is the first `length` bytes of `word`, or -1. */
static int row_by_flag(const char *word, size_t length) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strlen(rows[i].flag) == length && memcmp(rows[i].flag, word, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Farther away than this, a suggestion would only puzzle. */
enum { SUGGESTED_AT_MOST = 3 };

static int unknown_flag(const char *word, size_t length, struct error *error) {
    AUTO_FREE char *flag = string_copy_part(word, length);
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < ARRAY_LENGTH(rows) + ARRAY_LENGTH(requests); i++) {
        const char *known =
            i < ARRAY_LENGTH(rows) ? rows[i].flag : requests[i - ARRAY_LENGTH(rows)].flag;
        size_t far = word_distance(flag, known);
        if (far < distance) {
            distance = far;
            nearest = known;
        }
    }
    bool is_near = nearest != NULL && distance <= SUGGESTED_AT_MOST;
    error_set(error, EXIT_STATUS_USAGE, "unknown option %s: %s%s", flag,
        is_near ? "did you mean " : "see signalbox --help", is_near ? nearest : "");
    return -1;
}

static int read_request(const char *word, struct options *options) {
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        if (strcmp(word, requests[i].flag) == 0) {
            options->request = requests[i].request;
            return 0;
        }
    }
    return -1;
}

static int read_flags(char *const argv[], struct options *options, struct error *error) {
    size_t at = 1;
    for (; argv[0] != NULL && argv[at] != NULL && argv[at][0] == '-'; at++) {
        const char *word = argv[at];
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        if (read_request(word, options) == 0) {
            continue;
        }
        size_t length = strcspn(word, "=");
        int index = row_by_flag(word, length);
        if (index < 0) {
            return unknown_flag(word, length, error);
        }
        const char *value = word[length] == '=' ? word + length + 1 : argv[++at];
        if (value == NULL) {
            error_set(error, EXIT_STATUS_USAGE, "%s: a value is missing", rows[index].flag);
            return -1;
        }
        if (store(options, &rows[index], value, rows[index].flag, error) != 0) {
            return -1;
        }
        options->sources[index] = rows[index].flag;
    }
    options->command = argv[0] == NULL ? argv : argv + at;
    return 0;
}

static void note_unknown_variable(struct options *options, const char *name) {
    const char *nearest = rows[0].variable;
    for (size_t i = 1; i < ARRAY_LENGTH(rows); i++) {
        if (word_distance(name, rows[i].variable) < word_distance(name, nearest)) {
            nearest = rows[i].variable;
        }
    }
    AUTO_TEXT struct text note = {.data = NULL};
    text_append_format(&note, "%s is not a variable of Signalbox: did you mean %s?", name, nearest);
    string_list_append(&options->unknown_variables, text_string(&note));
}

static int read_variable(
    struct options *options, const char *name, const char *value, struct error *error) {
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(rows[i].variable, name) != 0) {
            continue;
        }
        /* An empty variable is unset, and a flag replaces the variable's whole value. */
        if (value[0] == '\0' || options->sources[i] != NULL) {
            return 0;
        }
        options->sources[i] = rows[i].variable;
        return store(options, &rows[i], value, rows[i].variable, error);
    }
    note_unknown_variable(options, name);
    return 0;
}

static int read_environment(
    char *const environment[], struct options *options, struct error *error) {
    for (size_t i = 0; environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        if (equals == NULL || !string_has_prefix(environment[i], "SIGNALBOX_")) {
            continue;
        }
        AUTO_FREE char *name = string_copy_part(environment[i], (size_t)(equals - environment[i]));
        if (read_variable(options, name, equals + 1, error) != 0) {
            return -1;
        }
    }
    return 0;
}

int options_read(
    char *const argv[], char *const environment[], struct options *options, struct error *error) {
    *options = (struct options){.request = REQUEST_RUN};
    if (read_flags(argv, options, error) != 0 ||
        read_environment(environment, options, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (options->sources[i] == NULL && rows[i].initial != NULL &&
            store(options, &rows[i], rows[i].initial, rows[i].flag, error) != 0) {
            return -1;
        }
    }
    return 0;
}

static const char *row_source(const struct options *options, size_t index) {
    return options->sources[index] == NULL ? "default" : options->sources[index];
}

const char *options_source(const struct options *options, const char *flag) {
    int index = row_by_flag(flag, strlen(flag));
    return index < 0 ? "default" : row_source(options, (size_t)index);
}

void options_release(struct options *options) {
    step_list_release(&options->steps);
    string_list_release(&options->unknown_variables);
}

static void help_lines(struct text *text, const char *left, const char *help) {
    enum { HELP_COLUMN = 28 };
    text_append_format(text, "  %-*s", HELP_COLUMN - 2, left);
    for (;;) {
        size_t length = strcspn(help, "\n");
        text_append(text, help, length);
        text_append_string(text, "\n");
        if (help[length] == '\0') {
            return;
        }
        help += length + 1;
        text_append_format(text, "%*s", HELP_COLUMN, "");
    }
}

void options_help(struct text *text) {
    text_append_string(text,
        "Usage: signalbox [options] [--] command...\n\n"
        "The entrypoint of a Rails image: prepares the database once in the whole\n"
        "cluster while the other replicas wait, then runs the command as PID 1.\n\n");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s=%s", rows[i].flag, rows[i].argument);
        AUTO_TEXT struct text help = {.data = NULL};
        text_append_string(&help, rows[i].help);
        if (rows[i].initial != NULL) {
            text_append_format(&help, "\n[%s]", rows[i].initial);
        }
        help_lines(text, left, text_string(&help));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        help_lines(text, requests[i].flag, requests[i].help);
    }
    text_append_string(text,
        "\nEvery option with a value is a variable too: --lock-key is SIGNALBOX_LOCK_KEY\n"
        "(--step is SIGNALBOX_STEPS). The flag wins.\n\n"
        "Examples:\n"
        "  ENTRYPOINT [\"/usr/local/bin/signalbox\"]\n"
        "  CMD [\"./bin/thrust\", \"./bin/rails\", \"server\"]\n\n"
        "  signalbox --explain ./bin/rails server\n"
        "  SIGNALBOX_PREPARE=never signalbox bundle exec puma\n");
}

size_t options_count(void) {
    return ARRAY_LENGTH(rows);
}

static void describe_value(
    const struct options *options, const struct option_row *row, struct text *value) {
    const char *place = (const char *)options + row->offset;
    unsigned choice = 0;
    int64_t number = 0;
    const char *string = NULL;
    switch (row->type) {
    case OPTION_CHOICE:
        memcpy(&choice, place, sizeof choice);
        text_append_string(value, row->choices[choice]);
        return;
    case OPTION_STEPS:
        for (size_t i = 0; i < options->steps.count; i++) {
            text_append_format(value, "%s%s", i == 0 ? "" : " && ", options->steps.items[i].text);
        }
        return;
    case OPTION_TEXT:
        memcpy(&string, place, sizeof string);
        text_append_string(value, string == NULL ? "none" : string);
        return;
    case OPTION_SECRET:
        memcpy(&string, place, sizeof string);
        text_append_string(value, string == NULL ? "none" : "given");
        return;
    case OPTION_NUMBER:
        memcpy(&number, place, sizeof number);
        text_append_format(value, "%lld", (long long)number);
        return;
    case OPTION_DURATION:
        memcpy(&number, place, sizeof number);
        text_append_string(value, duration_describe(number).string);
        return;
    }
}

struct option_description options_describe(const struct options *options, size_t index) {
    struct option_description description = {
        .flag = rows[index].flag,
        .source = row_source(options, index),
    };
    describe_value(options, &rows[index], &description.value);
    return description;
}
