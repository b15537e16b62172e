/*
 * Ruby may do anything. So no code counts here that could assign, escape, load other code or reach
 * past its tag, and no place but a value on the line of its key: what is printed there changes that
 * value, or makes a file that Rails cannot read either. The keys that lead nowhere have numbers and
 * switches for values.
 */
#include "database/ignored_keys.h"

#include <string.h>

#include "database/scanner.h"
#include "signalbox/base/cleanup.h"

/* None is a keyword of libpq, and settings.c reads none. */
static const char *const keys[] = {"pool", "max_connections", "min_connections", "timeout",
    "busy_timeout", "checkout_timeout", "idle_timeout", "reaping_frequency", "keepalive", "max_age",
    "pool_jitter", "connection_retries", "retry_deadline", "prepared_statements", "statement_limit",
    "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "work_mem",
    "journal_size_limit", "mmap_size", "cache_size", "query_cache"};

static const char *const deeds[] = {"load", "overload", "require", "eval", "instance_", "class_",
    "send", "public_send", "__send__", "binding", "_erbout", "concat", "replace", "prepend",
    "insert", "push", "append", "clear", "delete", "update", "store"};

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

/* Behind the line break that is next but for blanks, or the end; NULL where more is on the line. */
static const char *skip_line_end(const char *at, const char *end) {
    at = skip_blanks(at, end);
    if (at < end && *at == '\r') {
        at++;
    }
    if (at == end) {
        return at;
    }
    return *at == '\n' ? at + 1 : NULL;
}

/* Behind the colon of a key that is first on its line; NULL where none is. */
static const char *skip_key(const char *line, const char *end) {
    const char *at = skip_blanks(line, end);
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        size_t length = strlen(keys[i]);
        if ((size_t)(end - at) > length + 1 && memcmp(at, keys[i], length) == 0 &&
            at[length] == ':' && strchr(" \t", at[length + 1]) != NULL && at[length + 1] != '\0') {
            return at + length + 1;
        }
    }
    return NULL;
}

static bool has_text(const char *at, const char *end, const char *text) {
    return (size_t)(end - at) >= strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

static bool is_read_of_env(const char *at, const char *end) {
    return has_text(at, end, "[") || has_text(at, end, ".fetch(") || has_text(at, end, ".key?(");
}

/* Whether the `=`, `|`, `<` or `!` at `at` is of an operator that changes nothing. */
static bool is_plain_operator(const char *start, const char *at, const char *end) {
    char before = '\0';
    char after = '\0';
    if (at > start) {
        before = at[-1];
    }
    if (at + 1 < end) {
        after = at[1];
    }
    switch (*at) {
    case '|':
        return (before == '|') != (after == '|');
    case '<':
        return before != '<' && after != '<';
    case '!':
        return !scanner_is_name_byte(before) || after == '=';
    default:
        return after == '=' || after == '~' || after == '>' ||
            (before != '\0' && strchr("=!<>", before) != NULL);
    }
}

/* Whether a word is the beginning of a name by which more is done than computing: other code is
 * loaded or run, a variable's text is changed. */
static bool begins_deed(const char *at, const char *end) {
    for (size_t i = 0; i < ARRAY_LENGTH(deeds); i++) {
        if (has_text(at, end, deeds[i])) {
            return true;
        }
    }
    return false;
}

bool ignored_keys_is_harmless(const char *code, size_t length) {
    const char *end = code + length;
    for (const char *at = code; at < end; at++) {
        bool starts_word = at == code || !scanner_is_name_byte(at[-1]);
        bool is_do = starts_word && has_text(at, end, "do") &&
            (end - at == 2 || !scanner_is_name_byte(at[2]));
        bool is_env = starts_word && has_text(at, end, "ENV") &&
            (end - at == 3 || !scanner_is_name_byte(at[3]));
        if (strchr("\r\n\\#;`", *at) != NULL || is_do || (starts_word && begins_deed(at, end)) ||
            (is_env && !is_read_of_env(at + 3, end)) ||
            (strchr("=|<!", *at) != NULL && !is_plain_operator(code, at, end))) {
            return false;
        }
    }
    return length > 0;
}

/* Behind the `key:` or the `-` that the line begins with; NULL where neither is. */
static const char *skip_any_key(const char *line, const char *end) {
    const char *at = skip_blanks(line, end);
    const char *item = NULL;
    while (end - at >= 2 && *at == '-' && strchr(" \t", at[1]) != NULL) {
        at = item = skip_blanks(at + 1, end);
    }
    const char *key = at;
    while (at < end && (scanner_is_name_byte(*at) || *at == '-')) {
        at++;
    }
    bool is_key = at > key && end - at >= 2 && *at == ':' && strchr(" \t", at[1]) != NULL;
    return is_key ? at + 1 : item;
}

const char *ignored_keys_stand_in(const struct aside_part *template, const struct aside_part *tag) {
    const char *line = tag->start;
    while (line > template->start && line[-1] != '\n') {
        line--;
    }
    const char *value = skip_any_key(line, tag->start);
    if (value == NULL ||
        !ignored_keys_is_harmless(
            tag->start + strlen("<%="), (size_t)(tag->end - tag->start) - strlen("<%=%>"))) {
        return NULL;
    }
    const char *ignored = skip_key(line, tag->start);
    if (ignored != NULL && skip_blanks(ignored, tag->start) == tag->start &&
        skip_line_end(tag->end, template->end) != NULL) {
        return ASIDE_VALUE;
    }
    /* In brackets a comma that is printed would begin another key. */
    size_t before = (size_t)(tag->start - value);
    return memchr(value, '{', before) == NULL && memchr(value, '[', before) == NULL ? UNREAD_VALUE
                                                                                    : NULL;
}

/* Behind the line that begins with a tag; `*is_end` where it is the branch's. NULL where it is
 * none of the tags of a branch. */
static const char *skip_tag_line(const char *tag, const char *end, bool *is_end) {
    const char *code = skip_blanks(tag + strlen("<%"), end);
    const char *close = memmem(code, (size_t)(end - code), "%>", strlen("%>"));
    if (close == NULL) {
        return NULL;
    }
    const char *code_end = close;
    while (code_end > code && strchr(" \t", code_end[-1]) != NULL) {
        code_end--;
    }
    size_t length = (size_t)(code_end - code);
    *is_end = length == strlen("end") && has_text(code, code_end, "end");
    bool is_else = length == strlen("else") && has_text(code, code_end, "else");
    bool is_elsif = has_text(code, code_end, "elsif ") && ignored_keys_is_harmless(code, length);
    return *is_end || is_else || is_elsif ? skip_line_end(close + 2, end) : NULL;
}

/* Behind the line of a value that is plain or a harmless tag; NULL where it is neither. */
static const char *skip_value_line(const char *value, const char *end) {
    const char *at = skip_blanks(value, end);
    if (has_text(at, end, "<%=")) {
        const char *code = at + strlen("<%=");
        const char *close = memmem(code, (size_t)(end - code), "%>", strlen("%>"));
        return close != NULL && ignored_keys_is_harmless(code, (size_t)(close - code))
            ? skip_line_end(close + 2, end)
            : NULL;
    }
    while (at < end && (scanner_is_name_byte(*at) || *at == '.')) {
        at++;
    }
    return skip_line_end(at, end);
}

bool ignored_keys_is_branch(const struct aside_part *rest, struct aside_part *key) {
    const char *line = skip_line_end(rest->start, rest->end);
    *key = (struct aside_part){.start = NULL};
    while (line != NULL && line < rest->end) {
        const char *at = skip_blanks(line, rest->end);
        const char *value = skip_key(line, rest->end);
        bool is_end = false;
        if (value != NULL) {
            if (key->start == NULL) {
                *key = (struct aside_part){line, value};
            }
            line = skip_value_line(value, rest->end);
        } else if (has_text(at, rest->end, "<%")) {
            line = skip_tag_line(at, rest->end, &is_end);
        } else {
            line = skip_line_end(at, rest->end);
        }
        if (is_end) {
            return line != NULL && key->start != NULL;
        }
    }
    return false;
}
