/*
 * The reader of the option table. Parsing stops at the first word that is not an option, so that
 * `signalbox rails server -p 3000` never reads the command's -p; getopt is not used because it
 * neither says which variable a bad value came from nor suggests the option that was meant.
 */
#include "signalbox/cli/options.h"

#include <stdio.h>
#include <string.h>

#include "cli/option_table.h"
#include "cli/option_values.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/nearest.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/prepare/hook.h"

/* Farther away than this, a suggestion would only puzzle. */
enum { SUGGESTED_AT_MOST = 3 };

/* The row whose flag is the first `length` bytes of `word`, or NULL. */
static const struct option_row *row_by_flag(const char *word, size_t length) {
    for (size_t i = 0; i < option_table_row_count; i++) {
        if (strlen(option_table_rows[i].flag) == length &&
            memcmp(option_table_rows[i].flag, word, length) == 0) {
            return &option_table_rows[i];
        }
    }
    return NULL;
}

static const char **row_source(struct options *options, const struct option_row *row) {
    return &options->sources[row - option_table_rows];
}

static int unknown_flag(const char *word, size_t length, struct error *error) {
    AUTO_FREE char *flag = string_copy_part(word, length);
    const char *nearest = "";
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < option_table_row_count + option_table_request_count; i++) {
        const char *known = i < option_table_row_count
            ? option_table_rows[i].flag
            : option_table_requests[i - option_table_row_count].flag;
        size_t far = nearest_distance(flag, known);
        if (far < distance) {
            distance = far;
            nearest = known;
        }
    }
    bool is_near = distance <= SUGGESTED_AT_MOST;
    error_set(error, EXIT_STATUS_USAGE, "unknown option %s: %s%s", flag,
        is_near ? "did you mean " : "see signalbox --help", is_near ? nearest : "");
    return -1;
}

static bool read_request(const char *word, struct options *options) {
    for (size_t i = 0; i < option_table_request_count; i++) {
        if (strcmp(word, option_table_requests[i].flag) == 0) {
            options->request = option_table_requests[i].request;
            return true;
        }
    }
    return false;
}

/* The value of the option at argv[*at], which may be the next word; NULL where it is missing. */
static const char *flag_value(
    const struct option_row *row, char *const argv[], size_t length, size_t *at) {
    if (argv[*at][length] == '=') {
        return argv[*at] + length + 1;
    }
    if (row->type == OPTION_SWITCH) {
        return "on";
    }
    return argv[++*at];
}

static int read_flags(char *const argv[], struct options *options, struct error *error) {
    size_t at = 1;
    for (; argv[0] != NULL && argv[at] != NULL && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (read_request(argv[at], options)) {
            continue;
        }
        size_t length = strcspn(argv[at], "=");
        const struct option_row *row = row_by_flag(argv[at], length);
        if (row == NULL) {
            return unknown_flag(argv[at], length, error);
        }
        const char *value = flag_value(row, argv, length, &at);
        if (value == NULL) {
            error_set(error, EXIT_STATUS_USAGE, "%s: a value is missing", row->flag);
            return -1;
        }
        if (option_values_store(options, row, value, row->flag, error) != 0) {
            return -1;
        }
        *row_source(options, row) = row->flag;
    }
    options->command = argv[0] == NULL ? argv : argv + at;
    return 0;
}

static void note_unknown_variable(struct options *options, const char *name) {
    const char *nearest = option_table_rows[0].variable;
    for (size_t i = 1; i < option_table_row_count; i++) {
        if (nearest_distance(name, option_table_rows[i].variable) <
            nearest_distance(name, nearest)) {
            nearest = option_table_rows[i].variable;
        }
    }
    AUTO_TEXT struct text note = {.data = NULL};
    text_append_format(&note, "%s is not a variable of Signalbox: did you mean %s?", name, nearest);
    string_list_append(&options->unknown_variables, text_string(&note));
}

static int read_variable(
    struct options *options, const char *name, const char *value, struct error *error) {
    for (size_t i = 0; i < option_table_row_count; i++) {
        const struct option_row *row = &option_table_rows[i];
        if (strcmp(row->variable, name) != 0) {
            continue;
        }
        /* An empty variable is unset, and a flag replaces the variable's whole value. */
        if (value[0] == '\0' || *row_source(options, row) != NULL) {
            return 0;
        }
        *row_source(options, row) = row->variable;
        return option_values_store(options, row, value, row->variable, error);
    }
    note_unknown_variable(options, name);
    return 0;
}

/* Whether a hook is told so, and nobody has set it as an option. */
static bool is_told_only(const char *name, char *const environment[]) {
    return hook_is_variable(name) ||
        (strcmp(name, "SIGNALBOX_RELEASE") == 0 && hook_only_tells_release(environment));
}

static bool has_variable(char *const environment[], const char *prefix) {
    for (; *environment != NULL; environment++) {
        if (string_has_prefix(*environment, prefix)) {
            return true;
        }
    }
    return false;
}

static int read_environment(
    char *const environment[], struct options *options, struct error *error) {
    /* Outside of a hook SIGNALBOX_STEP, for one, is a slip of the pen. */
    bool is_in_hook = has_variable(environment, "SIGNALBOX_OUTCOME=");
    for (size_t i = 0; environment[i] != NULL; i++) {
        const char *equals = strchr(environment[i], '=');
        if (equals == NULL || !string_has_prefix(environment[i], "SIGNALBOX_")) {
            continue;
        }
        AUTO_FREE char *name = string_copy_part(environment[i], (size_t)(equals - environment[i]));
        if (is_in_hook && is_told_only(name, environment)) {
            continue;
        }
        if (read_variable(options, name, equals + 1, error) != 0) {
            return -1;
        }
    }
    return 0;
}

void options_release(struct options *options) {
    step_list_release(&options->steps);
    step_list_release(&options->password_command);
    step_list_release(&options->on_finish);
    server_list_release(&options->servers);
    string_list_release(&options->watch);
    string_list_release(&options->unknown_variables);
    free(options->rewrites.items);
    free(options->ok_exits.items);
    options->rewrites = (struct signal_rewrite_list){.items = NULL};
    options->ok_exits = (struct status_list){.items = NULL};
}

static int read_defaults(struct options *options, struct error *error) {
    for (size_t i = 0; i < option_table_row_count; i++) {
        const struct option_row *row = &option_table_rows[i];
        if (options->sources[i] == NULL && row->initial != NULL &&
            option_values_store(options, row, row->initial, row->flag, error) != 0) {
            return -1;
        }
    }
    return 0;
}

int options_read(
    char *const argv[], char *const environment[], struct options *options, struct error *error) {
    *options = (struct options){
        .request = REQUEST_RUN, .step_timeout_ms = DURATION_NONE, .lock_timeout_ms = DURATION_NONE};
    if (read_flags(argv, options, error) != 0 ||
        read_environment(environment, options, error) != 0 || read_defaults(options, error) != 0) {
        options_release(options);
        return -1;
    }
    return 0;
}

const char *options_source(const struct options *options, const char *flag) {
    const struct option_row *row = row_by_flag(flag, strlen(flag));
    const char *source = row == NULL ? NULL : options->sources[row - option_table_rows];
    return source == NULL ? "default" : source;
}

bool options_is_default(const struct options *options, const char *flag) {
    const struct option_row *row = row_by_flag(flag, strlen(flag));
    return row == NULL || options->sources[row - option_table_rows] == NULL;
}

size_t options_count(void) {
    return option_table_row_count;
}

struct option_description options_describe(const struct options *options, size_t index) {
    const char *source = options->sources[index];
    struct option_description description = {
        .flag = option_table_rows[index].flag,
        .source = source == NULL ? "default" : source,
    };
    option_values_describe(options, &option_table_rows[index], &description.value);
    return description;
}
