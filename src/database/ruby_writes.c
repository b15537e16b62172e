/*
 * Every place of a line where ENV stands, and what is done to it there. It is enough to notice too
 * much; what hides the name ENV (an alias, a method elsewhere) is not seen.
 */
#include "database/ruby_writes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum effect {
    EFFECT_NONE,
    EFFECT_SETS,
    EFFECT_SETS_UNSET, /* `||=`: only what is not set. */
    EFFECT_SETS_SET    /* `&&=`, delete: only what is set. */
};

static bool is_name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_';
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

/* Past the string that begins at `at`, or at the end of the line. */
static const char *skip_string(const char *at) {
    char quote = *at++;
    while (*at != '\0' && *at != quote) {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return *at == '\0' ? at : at + 1;
}

/* Past the bracket that closes the one at `at`. */
static const char *skip_brackets(const char *at) {
    int depth = 0;
    while (*at != '\0') {
        if (*at == '"' || *at == '\'') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '[' ? 1 : 0;
        depth -= *at == ']' ? 1 : 0;
        at++;
        if (depth == 0) {
            return at;
        }
    }
    return at;
}

/* The literal name that begins at `at` and is all there is before `closing`; NULL where it is
 * something else. */
static char *read_name(const char *at, const char *closing) {
    at = skip_blanks(at);
    if (*at != '"' && *at != '\'') {
        return NULL;
    }
    size_t length = 0;
    while (is_name_byte(at[1 + length])) {
        length++;
    }
    const char *end = at + 1 + length;
    if (length == 0 || *end != *at) {
        return NULL;
    }
    end = skip_blanks(end + 1);
    return *end == '\0' || strchr(closing, *end) != NULL ? string_copy_part(at + 1, length) : NULL;
}

/* What the operator behind `ENV[…]` does. */
static enum effect read_operator(const char *at, bool begins_statement) {
    static const struct {
        const char *operator;
        enum effect effect;
    } operators[] = {
        {"||=", EFFECT_SETS_UNSET},
        {"&&=", EFFECT_SETS_SET},
        {"+=", EFFECT_SETS},
        {"==", EFFECT_NONE},
        {"=~", EFFECT_NONE},
        {"=>", EFFECT_NONE},
        {"=", EFFECT_SETS},
    };
    at = skip_blanks(at);
    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++) {
        if (string_has_prefix(at, operators[i].operator)) {
            return operators[i].effect;
        }
    }
    /* `ENV["A"], ENV["B"] = …` */
    return begins_statement && *at == ',' && strchr(at, '=') != NULL ? EFFECT_SETS : EFFECT_NONE;
}

/* `ENV.store(…)` and its like: the name of the method at `at`. */
static enum effect read_method(const char *at, bool *has_name) {
    static const struct {
        const char *name;
        enum effect effect;
        bool has_name; /* Its first argument is a variable's. */
    } methods[] = {
        {"store", EFFECT_SETS, true},
        {"delete", EFFECT_SETS_SET, true},
        {"update", EFFECT_SETS, false},
        {"merge!", EFFECT_SETS, false},
        {"replace", EFFECT_SETS, false},
        {"clear", EFFECT_SETS, false},
        {"delete_if", EFFECT_SETS, false},
        {"reject!", EFFECT_SETS, false},
        {"select!", EFFECT_SETS, false},
        {"filter!", EFFECT_SETS, false},
        {"keep_if", EFFECT_SETS, false},
        {"shift", EFFECT_SETS, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        size_t length = strlen(methods[i].name);
        if (strncmp(at, methods[i].name, length) == 0 && !is_name_byte(at[length]) &&
            at[length] != '!' && at[length] != '?') {
            *has_name = methods[i].has_name;
            return methods[i].effect;
        }
    }
    return EFFECT_NONE;
}

/* What is done to the ENV that ends at `at`; `name` is NULL where any variable may be meant. */
static enum effect read_use(const char *at, bool begins_statement, char **name) {
    bool has_name = false;
    at = skip_blanks(at);
    if (*at == '[') {
        *name = read_name(at + 1, "]");
        return read_operator(skip_brackets(at), begins_statement);
    }
    if (*at != '.') {
        return EFFECT_NONE;
    }
    at = skip_blanks(at + 1);
    enum effect effect = read_method(at, &has_name);
    if (effect != EFFECT_NONE && has_name) {
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz");
        *name = read_name(at + strspn(at, " \t("), ",)");
    }
    return effect;
}

static bool is_effective(enum effect effect, const char *name) {
    switch (effect) {
    case EFFECT_NONE:
        return false;
    case EFFECT_SETS:
        return true;
    case EFFECT_SETS_UNSET:
        return name == NULL || getenv(name) == NULL;
    case EFFECT_SETS_SET:
        return name == NULL || getenv(name) != NULL;
    }
    return true;
}

bool ruby_writes_variable(const char *line, bool (*matters)(const char *name, const void *argument),
    const void *argument, struct text *what) {
    const char *start = skip_blanks(line);
    if (*start == '#') {
        return false;
    }
    for (const char *at = start; (at = strstr(at, "ENV")) != NULL; at += strlen("ENV")) {
        if ((at > start && is_name_byte(at[-1])) || is_name_byte(at[3])) {
            continue;
        }
        AUTO_FREE char *name = NULL;
        enum effect effect = read_use(at + strlen("ENV"), at == start, &name);
        if (!is_effective(effect, name) || (name != NULL && !matters(name, argument))) {
            continue;
        }
        if (name != NULL) {
            text_append_format(what, "%s is set here", name);
        } else {
            text_append_string(what, "variables that are not named are set here");
        }
        return true;
    }
    return false;
}
