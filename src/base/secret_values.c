/*
 * Known secrets. Some values are no secret although their name says so: a path, or a setting such
 * as `enabled`. A short password that is a word of the language (`postgres`) is hidden only as a
 * whole word, so that `postgresql` stays readable.
 */
#include "signalbox/base/secret_values.h"

#include <ctype.h>
#include <string.h>

#include "base/secret_form.h"
#include "base/secret_name.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum {
    VALUE_LEAST = 6, /* Of the environment. */
    PASSWORD_LEAST = 3,
    LINE_LEAST = 16, /* Of a key that has several lines. */
    BASE64_LEAST = 8,
    BASE64_MOST = 4096
};

static void add(struct secret_values *values, const char *value) {
    if (!string_list_has(&values->items, value)) {
        string_list_append(&values->items, value);
    }
}

static void append_base64(const char *bytes, size_t length, struct text *encoded) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at + 3 <= length; at += 3) {
        unsigned bits = (unsigned)(unsigned char)bytes[at] << 16U |
            (unsigned)(unsigned char)bytes[at + 1] << 8U | (unsigned char)bytes[at + 2];
        for (unsigned shift = 24; shift > 0; shift -= 6) {
            text_append(encoded, &digits[bits >> (shift - 6) & 0x3FU], 1);
        }
    }
}

static void add_base64(struct secret_values *values, const char *encoded) {
    AUTO_FREE char *url_safe = string_copy(encoded);
    for (char *at = url_safe; *at != '\0'; at++) {
        if (*at == '+') {
            *at = '-';
        } else if (*at == '/') {
            *at = '_';
        }
    }
    add(values, encoded);
    add(values, url_safe);
}

/* In whatever is encoded the value begins at one of three places; what is the same wherever it
 * stands are the digits that only its own bytes decide. */
static void learn_base64(struct secret_values *values, const char *value) {
    size_t length = strlen(value);
    if (length < BASE64_LEAST || length > BASE64_MOST) {
        return;
    }
    for (size_t skipped = 0; skipped < 3; skipped++) {
        AUTO_TEXT struct text encoded = {.data = NULL};
        append_base64(value + skipped, length - skipped, &encoded);
        add_base64(values, text_string(&encoded));
    }
}

static void learn_decoded(struct secret_values *values, const char *value) {
    AUTO_TEXT struct text decoded = {.data = NULL};
    for (size_t at = 0; value[at] != '\0';) {
        int escaped = value[at] == '%' ? hex_byte(value + at + 1) : -1;
        char byte = (char)escaped;
        text_append(&decoded, escaped > 0 ? &byte : value + at, 1);
        at += escaped > 0 ? 3 : 1;
    }
    if (decoded.length < strlen(value)) {
        add(values, text_string(&decoded));
    }
}

static void learn_line(struct secret_values *values, const char *line) {
    add(values, line);
    learn_base64(values, line);
    learn_decoded(values, line);
}

/* The length of the line at `value`, which ends at a newline or at one that is written `\n`. */
static size_t line_length(const char *value) {
    const char *escaped = strstr(value, "\\n");
    size_t length = strcspn(value, "\r\n");
    return escaped != NULL && (size_t)(escaped - value) < length ? (size_t)(escaped - value)
                                                                 : length;
}

static size_t line_end_length(const char *value) {
    return value[0] == '\\' && value[1] == 'n' ? 2 : strspn(value, "\r\n");
}

static bool has_several_lines(const char *value) {
    const char *rest = value + line_length(value);
    rest += line_end_length(rest);
    return *rest != '\0';
}

/* What settings have for values: hiding it would hide words that every log is full of. */
static bool is_setting(const char *value) {
    static const char *const settings[] = {"enabled", "disabled", "required", "optional", "default",
        "production", "development", "staging", "localhost"};
    for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
        if (strcasecmp(settings[i], value) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a key, the long lines; the last one may be some few digits. Of anything else with several
 * lines, each line that is as long as a secret, and the whole as inspect shows it. */
static size_t least_of_lines(struct secret_values *values, const char *value) {
    if (strstr(value, "-----BEGIN") != NULL) {
        return LINE_LEAST;
    }
    size_t length = strlen(value);
    while (length > 0 && isspace((unsigned char)value[length - 1])) {
        length--;
    }
    AUTO_FREE char *whole = string_copy_part(value, length);
    add(values, whole);
    AUTO_TEXT struct text inspected = {.data = NULL};
    for (const char *at = whole; *at != '\0'; at++) {
        text_append(&inspected, at, 1);
        text_append(&inspected, at, *at == '\\');
    }
    add(values, text_string(&inspected));
    return VALUE_LEAST;
}

static void learn_lines(struct secret_values *values, const char *value, size_t least) {
    bool is_one_of_several = has_several_lines(value);
    if (is_one_of_several) {
        least = least_of_lines(values, value);
    }
    while (*value != '\0') {
        size_t length = line_length(value);
        size_t blanks = strspn(value, " \t");
        size_t from = blanks < length ? blanks : length;
        size_t to = length;
        while (to > from && isspace((unsigned char)value[to - 1])) {
            to--;
        }
        AUTO_FREE char *line = string_copy_part(value + from, to - from);
        bool is_known = string_has_prefix(line, "-----") || (is_one_of_several && is_setting(line));
        if (to - from >= least && !is_known) {
            learn_line(values, line);
        }
        value += length;
        value += line_end_length(value);
    }
}

void secret_values_learn(struct secret_values *values, const char *value) {
    if (value != NULL) {
        learn_lines(values, value, PASSWORD_LEAST);
    }
}

/* A file's name, which a message that cannot open it must be able to say. */
static bool is_path(const char *value) {
    static const char *const ends[] = {
        ".json", ".pem", ".key", ".crt", ".cer", ".p12", ".yml", ".yaml", ".txt", ".enc"};
    size_t length = strlen(value);
    if (value[0] != '/' || strpbrk(value, " \n") != NULL) {
        return false;
    }
    if (string_has_prefix(value, "/run/secrets/") || string_has_prefix(value, "/etc/")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        size_t end = strlen(ends[i]);
        if (end < length && strcmp(value + length - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

struct learning {
    struct secret_values *values;
    const char *text;
};

/* A stretch of a value: without its quotes, and up to the `&` of a query. */
static void learn_stretch(void *context, size_t from, size_t to) {
    const struct learning *learning = context;
    const char *text = learning->text;
    if (to - from >= 2 && (text[from] == '"' || text[from] == '\'') && text[to - 1] == text[from]) {
        from++;
        to--;
    }
    AUTO_FREE char *stretch = string_copy_part(text + from, to - from);
    if (strlen(stretch) >= VALUE_LEAST) {
        learn_lines(learning->values, stretch, VALUE_LEAST);
    }
    stretch[strcspn(stretch, "&")] = '\0';
    if (strlen(stretch) >= VALUE_LEAST) {
        learn_lines(learning->values, stretch, VALUE_LEAST);
    }
}

/* NAME= of a variable or `--name=` of an option, or 0. */
static size_t assigned_name_length(const char *word) {
    size_t length = 0;
    while (isalnum((unsigned char)word[length]) || strchr("_-.", word[length]) != NULL) {
        if (word[length] == '\0') {
            return 0;
        }
        length++;
    }
    return word[length] == '=' ? length : 0;
}

void secret_values_learn_environment(struct secret_values *values, char *const environment[]) {
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        size_t name = assigned_name_length(environment[i]);
        const char *value = environment[i] + (name > 0 ? name + 1 : 0);
        if (secret_name_is_one(environment[i], name) && !is_path(value) && !is_setting(value)) {
            learn_lines(values, value, VALUE_LEAST);
        }
        struct learning learning = {.values = values, .text = value};
        secret_form_find(value, learn_stretch, &learning);
    }
}

void secret_values_mask(
    const struct secret_values *values, const char *string, struct text *masked) {
    secret_mask_known(string, values->items.items, values->items.count, masked);
}

void secret_values_release(struct secret_values *values) {
    string_list_release(&values->items);
}
