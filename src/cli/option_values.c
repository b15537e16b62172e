/*
 * Values of every option type. Each is refused with the words a person needs, and with nothing of a
 * secret in them.
 */
#include "cli/option_values.h"

#include <string.h>

#include "signalbox/base/duration.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"
#include "signalbox/fingerprint/watch_entry.h"
#include "signalbox/process/privileges.h"
#include "signalbox/process/signals.h"
#include "signalbox/process/user.h"

enum { COUNT_MOST = 100 };

static void *member(struct options *options, const struct option_row *row) {
    return (char *)options + row->offset;
}

static bool came_by_flag(const struct option_row *row, const char *source) {
    return strcmp(source, row->flag) == 0;
}

static int bad_value(
    const char *source, const char *value, const char *allowed, struct error *error) {
    error_set(error, EXIT_STATUS_USAGE, "%s: `%s` is not allowed: use %s", source, value, allowed);
    return -1;
}

/* Whether the whole value stands in one pair of quotation marks, as `docker --env-file` passes it
 * on. Steps and servers are words with shell quoting: there one word may well be quoted. */
static bool is_quoted_whole(const struct option_row *row, const char *value) {
    bool is_words =
        row->type == OPTION_STEPS || row->type == OPTION_COMMAND || row->type == OPTION_COMMANDS;
    size_t length = strlen(value);
    const char *close = length < 2 ? NULL : strchr(value + 1, value[0]);
    return (value[0] == '"' || value[0] == '\'') && close == value + length - 1 &&
        (!is_words || strchr(value, ' ') != NULL);
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

static int store_switch(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    static const struct {
        const char *word;
        bool on;
    } words[] = {{"1", true}, {"true", true}, {"yes", true}, {"on", true}, {"0", false},
        {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(words[i].word, value) == 0) {
            memcpy(member(options, row), &words[i].on, sizeof words[i].on);
            return 0;
        }
    }
    return bad_value(source, value, "1, true, yes, on, 0, false, no or off", error);
}

static int store_duration(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    switch (duration_parse(value, member(options, row))) {
    case DURATION_PARSED:
        return 0;
    case DURATION_TOO_LONG:
        return bad_value(source, value, "a year at most (8760h)", error);
    case DURATION_MALFORMED:
        break;
    }
    return bad_value(source, value, "a duration such as 500ms, 30s, 10m or 1h", error);
}

/* The server's lock_timeout is an integer of milliseconds. */
static int store_lock_timeout(struct options *options, const struct option_row *row,
    const char *value, const char *source, struct error *error) {
    if (store_duration(options, row, value, source, error) != 0) {
        return -1;
    }
    return *(const int64_t *)member(options, row) <= INT32_MAX
        ? 0
        : bad_value(source, value, "596h at most, the longest that PostgreSQL takes", error);
}

static int store_steps(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct step_list *steps = member(options, row);
    int result = came_by_flag(row, source) || row->initial == value
        ? step_list_append(steps, value, error)
        : step_list_append_joined(steps, value, error);
    if (result != 0) {
        error_add_context(error, "%s", source);
    }
    return result;
}

/* One, of which the last wins. */
static int store_command(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct step_list *command = member(options, row);
    step_list_release(command);
    if (step_list_append(command, value, error) != 0) {
        error_add_context(error, "%s", source);
        return -1;
    }
    return 0;
}

/* Calls `take` for each non-empty piece between separators. */
static int for_each_piece(struct options *options, const struct option_row *row, const char *value,
    const char *separators, const char *source, struct error *error,
    int (*take)(
        struct options *, const struct option_row *, const char *, const char *, struct error *)) {
    while (*value != '\0') {
        size_t length = strcspn(value, separators);
        AUTO_FREE char *piece = string_copy_part(value, length);
        if (piece[strspn(piece, " \t")] != '\0' && take(options, row, piece, source, error) != 0) {
            return -1;
        }
        value += length + (value[length] == '\0' ? 0 : 1);
    }
    return 0;
}

static int store_servers(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct server_list *servers = member(options, row);
    int result = came_by_flag(row, source) ? server_list_append(servers, value, error)
                                           : server_list_append_joined(servers, value, error);
    if (result != 0) {
        error_add_context(error, "%s", source);
    }
    return result;
}

static int store_path(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    size_t first = strspn(value, " \t\r");
    size_t length = strlen(value);
    while (length > first && strchr(" \t\r", value[length - 1]) != NULL) {
        length--;
    }
    if (length == first) {
        return 0;
    }
    char *entry = string_copy_part(value + first, length - first);
    const char *problem = watch_entry_problem(entry);
    string_list_append_owned(member(options, row), entry);
    if (problem != NULL) {
        error_set(error, EXIT_STATUS_USAGE, "%s: `%s` is not allowed: %s", source, entry, problem);
        return -1;
    }
    return 0;
}

static int store_lock(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct lock_choice *lock = member(options, row);
    enum lock_kind kind = LOCK_AUTO;
    if (lock_choice_named(value, &kind)) {
        *lock = (struct lock_choice){.kind = kind};
        return 0;
    }
    if (string_has_prefix(value, "file:") && value[5] != '\0') {
        *lock = (struct lock_choice){.kind = LOCK_FILE, .path = value + 5};
        return 0;
    }
    return bad_value(source, value, "auto, postgres, file, file:PATH or none", error);
}

static int store_user(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct user_word word;
    if (!user_word_parse(value, &word)) {
        return bad_value(
            source, value, "NAME, NAME:GROUP or their numbers (0 to 4294967294)", error);
    }
    memcpy(member(options, row), &value, sizeof value);
    return 0;
}

static int store_caps(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    uint64_t set = 0;
    if (privileges_parse_capabilities(value, &set, error) != 0) {
        error_add_context(error, "%s", source);
        return -1;
    }
    memcpy(member(options, row), &value, sizeof value);
    return 0;
}

static int store_rewrite(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct signal_rewrite_list *list = member(options, row);
    size_t from_length = strcspn(value, ":");
    AUTO_FREE char *from = string_copy_part(value, from_length);
    const char *to = value[from_length] == ':' ? value + from_length + 1 : "";
    struct signal_rewrite rewrite = {.from = signals_number(from), .to = signals_number(to)};
    if (rewrite.from == 0 || (rewrite.to == 0 && strcmp(to, "none") != 0)) {
        return bad_value(
            source, value, "FROM:TO with names or numbers of signals, TO may be none", error);
    }
    list->items = memory_grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = rewrite;
    return 0;
}

static int store_status(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    struct status_list *list = member(options, row);
    int64_t status = 0;
    if (!number_parse(value, 0, 255, &status)) {
        return bad_value(source, value, "an exit status from 0 to 255", error);
    }
    list->items = memory_grow(list->items, list->count, sizeof *list->items);
    list->items[list->count++] = (int)status;
    return 0;
}

int option_values_store(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) {
    if (row->type != OPTION_SECRET && is_quoted_whole(row, value)) {
        error_set(error, EXIT_STATUS_USAGE,
            "%s: the value is in quotation marks: remove them, because `docker --env-file` and "
            "similar files pass them on",
            source);
        return -1;
    }
    switch (row->type) {
    case OPTION_CHOICE:
        return store_choice(options, row, value, source, error);
    case OPTION_SWITCH:
        return store_switch(options, row, value, source, error);
    case OPTION_TEXT:
    case OPTION_SECRET:
        memcpy(member(options, row), &value, sizeof value);
        return 0;
    case OPTION_NUMBER:
        return number_parse(value, INT32_MIN, INT32_MAX, member(options, row))
            ? 0
            : bad_value(source, value, "a whole number from -2147483648 to 2147483647", error);
    case OPTION_COUNT:
        return number_parse(value, 0, COUNT_MOST, member(options, row))
            ? 0
            : bad_value(source, value, "a whole number from 0 to 100", error);
    case OPTION_DURATION:
        return store_duration(options, row, value, source, error);
    case OPTION_COMMAND:
        return store_command(options, row, value, source, error);
    case OPTION_LOCK_TIMEOUT:
        return store_lock_timeout(options, row, value, source, error);
    case OPTION_STEPS:
        return store_steps(options, row, value, source, error);
    case OPTION_COMMANDS:
        return store_servers(options, row, value, source, error);
    case OPTION_PATHS:
        return for_each_piece(options, row, value, ";\n", source, error, store_path);
    case OPTION_LOCK:
        return store_lock(options, row, value, source, error);
    case OPTION_USER:
        return store_user(options, row, value, source, error);
    case OPTION_CAPS:
        return store_caps(options, row, value, source, error);
    case OPTION_REWRITES:
        return came_by_flag(row, source)
            ? store_rewrite(options, row, value, source, error)
            : for_each_piece(options, row, value, " ;\n", source, error, store_rewrite);
    case OPTION_STATUSES:
        return came_by_flag(row, source)
            ? store_status(options, row, value, source, error)
            : for_each_piece(options, row, value, " ;\n", source, error, store_status);
    }
    return -1;
}

static void describe_list(const struct string_list *list, struct text *value) {
    for (size_t i = 0; i < list->count; i++) {
        text_append_format(value, "%s%s", i == 0 ? "" : "; ", list->items[i]);
    }
}

static void describe_steps(const struct step_list *steps, struct text *value) {
    for (size_t i = 0; i < steps->count; i++) {
        text_append_format(value, "%s%s", i == 0 ? "" : " && ", steps->items[i].text);
    }
}

static void describe_servers(const struct server_list *servers, struct text *value) {
    for (size_t i = 0; i < servers->count; i++) {
        text_append_string(value, i == 0 ? "" : "; ");
        words_join(servers->items[i].items, servers->items[i].count, value);
    }
}

static void describe_rewrites(const struct signal_rewrite_list *list, struct text *value) {
    for (size_t i = 0; i < list->count; i++) {
        const struct signal_rewrite *rewrite = &list->items[i];
        text_append_format(value, "%s%s:", i == 0 ? "" : " ", signals_name(rewrite->from));
        text_append_string(value, rewrite->to == 0 ? "none" : signals_name(rewrite->to));
    }
}

static void describe_statuses(const struct status_list *list, struct text *value) {
    for (size_t i = 0; i < list->count; i++) {
        text_append_format(value, "%s%d", i == 0 ? "" : " ", list->items[i]);
    }
}

static void describe_lock(const struct lock_choice *lock, struct text *value) {
    text_append_string(value, lock_choice_name(lock->kind));
    if (lock->path != NULL) {
        text_append_format(value, ":%s", lock->path);
    }
}

/* As a user would write it: in the largest unit that says it exactly. */
static void describe_duration(int64_t duration_ms, struct text *value) {
    static const struct {
        int64_t factor;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    for (size_t i = 0; i < ARRAY_LENGTH(units) && duration_ms != DURATION_NONE; i++) {
        if (duration_ms % units[i].factor == 0 &&
            (duration_ms > 0 || i == ARRAY_LENGTH(units) - 1)) {
            text_append_format(
                value, "%lld%s", (long long)(duration_ms / units[i].factor), units[i].unit);
            return;
        }
    }
}

static void describe_given(
    const struct options *options, const struct option_row *row, struct text *value) {
    const void *place = (const char *)options + row->offset;
    unsigned choice = 0;
    switch (row->type) {
    case OPTION_CHOICE:
        memcpy(&choice, place, sizeof choice);
        text_append_string(value, row->choices[choice]);
        return;
    case OPTION_SWITCH:
        text_append_string(value, *(const bool *)place ? "on" : "off");
        return;
    case OPTION_TEXT:
    case OPTION_USER:
    case OPTION_CAPS:
        if (*(const char *const *)place != NULL) {
            text_append_string(value, *(const char *const *)place);
        }
        return;
    case OPTION_SECRET:
        text_append_string(value, *(const char *const *)place == NULL ? "" : "given");
        return;
    case OPTION_NUMBER:
    case OPTION_COUNT:
        text_append_format(value, "%lld", (long long)*(const int64_t *)place);
        return;
    case OPTION_DURATION:
    case OPTION_LOCK_TIMEOUT:
        describe_duration(*(const int64_t *)place, value);
        return;
    case OPTION_COMMAND:
    case OPTION_STEPS:
        describe_steps(place, value);
        return;
    case OPTION_COMMANDS:
        describe_servers(place, value);
        return;
    case OPTION_PATHS:
        describe_list(place, value);
        return;
    case OPTION_LOCK:
        describe_lock(place, value);
        return;
    case OPTION_REWRITES:
        describe_rewrites(place, value);
        return;
    case OPTION_STATUSES:
        describe_statuses(place, value);
        return;
    }
}

void option_values_describe(
    const struct options *options, const struct option_row *row, struct text *value) {
    describe_given(options, row, value);
    if (value->length == 0) {
        text_append_string(value, "none");
    }
}
