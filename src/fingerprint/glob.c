/*
 * Patterns, part by part. fnmatch(3) is not used: it knows no `**`, and what it makes of an odd
 * pattern hangs on the C library, while the same files must have the same fingerprint everywhere.
 */
#include "fingerprint/glob.h"
#include "signalbox/base/text.h"

#include <stddef.h>
#include <string.h>

/* A stretch of a pattern or a path without `/`. */
struct part {
    const char *at;
    const char *end;
};

static struct part first_part(const char *path) {
    return (struct part){path, path + strcspn(path, "/")};
}

static const char *after_part(struct part part) {
    return *part.end == '/' ? part.end + 1 : part.end;
}

/* The end of the set that begins at `at` with its bracket, behind the closing one; NULL where
 * nothing closes it. A `]` right after the opening stands for itself. */
static const char *set_end(const char *at, const char *end) {
    at++;
    if (at < end && (*at == '!' || *at == '^')) {
        at++;
    }
    if (at < end && *at == ']') {
        at++;
    }
    while (at < end && *at != ']') {
        at++;
    }
    return at < end ? at + 1 : NULL;
}

static bool set_has(const char *at, const char *end, unsigned char character) {
    bool is_negated = at[1] == '!' || at[1] == '^';
    bool has = false;
    const char *closing = end - 1;
    for (at += is_negated ? 2 : 1; at < closing; at++) {
        unsigned char first = (unsigned char)*at;
        unsigned char last = first;
        if (closing - at > 2 && at[1] == '-') {
            last = (unsigned char)at[2];
            at += 2;
        }
        has = has || (first <= character && character <= last);
    }
    return has != is_negated;
}

/* Whether what stands at *at of a pattern, which is no star, means this character; moves *at behind
 * it. */
static bool takes_character(const char **at, const char *end, char character) {
    const char *begin = *at;
    const char *behind_set = *begin == '[' ? set_end(begin, end) : NULL;
    if (behind_set != NULL) {
        *at = behind_set;
        return set_has(begin, behind_set, (unsigned char)character);
    }
    if (*begin == '\\' && begin + 1 < end) {
        *at = begin + 2;
        return begin[1] == character;
    }
    *at = begin + 1;
    return *begin == '?' || *begin == character;
}

static bool is_wildcard(char character) {
    return character == '*' || character == '?' || character == '[';
}

static bool part_matches(struct part pattern, struct part name) {
    const char *behind_star = NULL;
    const char *star_took = NULL;
    if (name.at < name.end && *name.at == '.' && pattern.at < pattern.end &&
        is_wildcard(*pattern.at)) {
        return false;
    }
    while (name.at < name.end) {
        if (pattern.at < pattern.end && *pattern.at == '*') {
            behind_star = ++pattern.at;
            star_took = name.at;
            continue;
        }
        if (pattern.at < pattern.end && takes_character(&pattern.at, pattern.end, *name.at)) {
            name.at++;
            continue;
        }
        if (behind_star == NULL) {
            return false;
        }
        /* The last star takes one more. */
        pattern.at = behind_star;
        name.at = ++star_took;
    }
    while (pattern.at < pattern.end && *pattern.at == '*') {
        pattern.at++;
    }
    return pattern.at == pattern.end;
}

static bool is_any_depth(struct part pattern) {
    return pattern.end - pattern.at == 2 && memcmp(pattern.at, "**", 2) == 0;
}

enum glob_match glob_match(const char *pattern, const char *path) {
    while (*pattern != '\0') {
        struct part wanted = first_part(pattern);
        struct part name = first_part(path);
        const char *rest = after_part(wanted);
        if (*path == '\0') {
            return GLOB_BELOW;
        }
        if (!is_any_depth(wanted)) {
            if (!part_matches(wanted, name)) {
                return GLOB_NO;
            }
            pattern = rest;
            path = after_part(name);
            continue;
        }
        if (*rest == '\0') {
            return GLOB_YES;
        }
        enum glob_match here = glob_match(rest, path);
        if (here == GLOB_YES || *name.at == '.') {
            return here;
        }
        /* One folder less to stand for, with the same pattern. */
        enum glob_match deeper = glob_match(pattern, after_part(name));
        return deeper > here ? deeper : here;
    }
    return GLOB_YES;
}

static const char *part_problem(struct part part) {
    for (const char *at = part.at; at < part.end; at++) {
        if (*at == '\\') {
            if (at + 1 == part.end) {
                return "a backslash needs a character after it";
            }
            at++;
        } else if (*at == '{' || *at == '}') {
            return "braces are not expanded: write one pattern for each";
        } else if (*at == '[') {
            const char *end = set_end(at, part.end);
            if (end == NULL) {
                return "no `]` ends the set";
            }
            at = end - 1;
        }
    }
    return NULL;
}

static bool has_wildcard(struct part part) {
    for (const char *at = part.at; at < part.end; at++) {
        if (is_wildcard(*at)) {
            return true;
        }
        at += *at == '\\' ? 1 : 0;
    }
    return false;
}

const char *glob_problem(const char *pattern) {
    bool is_wild = false;
    while (*pattern != '\0') {
        struct part part = first_part(pattern);
        const char *problem = part_problem(part);
        if (problem != NULL) {
            return problem;
        }
        if (is_wild && part.end - part.at == 2 && memcmp(part.at, "..", 2) == 0) {
            return "`..` cannot stand behind a wildcard";
        }
        is_wild = is_wild || has_wildcard(part);
        pattern = after_part(part);
    }
    return NULL;
}

bool glob_base(const char *pattern, struct text *base) {
    while (*pattern != '\0') {
        struct part part = first_part(pattern);
        if (has_wildcard(part)) {
            return false;
        }
        text_append_string(base, base->length == 0 ? "" : "/");
        for (const char *at = part.at; at < part.end; at++) {
            at += *at == '\\' && at + 1 < part.end ? 1 : 0;
            text_append(base, at, 1);
        }
        pattern = after_part(part);
    }
    return true;
}
