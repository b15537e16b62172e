/*
 * The mask. It errs on the side of hiding: a *** too many puzzles somebody, a password too many is
 * in every log collector for ever.
 */
#include "signalbox/base/secret.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/cleanup.h"

static const char mask[] = "***";
static const char word_ends[] = " \t\n'\"";

/* Whether the `length` bytes at `name` name a secret. */
static bool is_secret_name(const char *name, size_t length) {
    static const char *const parts[] = {
        "PASSWORD", "PASSWD", "PASS", "PWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL"};
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        size_t part = strlen(parts[i]);
        for (size_t at = 0; at + part <= length; at++) {
            if (strncasecmp(name + at, parts[i], part) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_';
}

/* The length of the NAME= at `string`, or 0. */
static size_t assignment_length(const char *string) {
    size_t length = 0;
    while (is_name_byte(string[length])) {
        length++;
    }
    return length > 0 && string[length] == '=' ? length + 1 : 0;
}

/* At the "://" of a URL: appends up to its password, masks that, and returns how far it came. */
static size_t mask_url(const char *string, struct text *masked) {
    size_t authority = strcspn(string + 3, "/?#");
    size_t word = strcspn(string + 3, word_ends);
    size_t length = authority < word ? authority : word;
    const char *at = memrchr(string + 3, '@', length);
    const char *colon = at == NULL ? NULL : memchr(string + 3, ':', (size_t)(at - string) - 3);
    if (at == NULL) {
        /* A password with a slash in it is wrong, and still a password. */
        at = memrchr(string + 3, '@', word);
        colon = at == NULL ? NULL : memchr(string + 3, ':', (size_t)(at - string) - 3);
    }
    if (colon == NULL) {
        text_append(masked, string, 3);
        return 3;
    }
    text_append(masked, string, (size_t)(colon - string) + 1);
    text_append_string(masked, mask);
    return (size_t)(at - string);
}

void secret_mask(const char *string, struct text *masked) {
    bool at_name = true;
    for (size_t at = 0; string[at] != '\0';) {
        size_t name = at_name ? assignment_length(string + at) : 0;
        if (name > 0 && is_secret_name(string + at, name - 1)) {
            text_append(masked, string + at, name);
            text_append_string(masked, mask);
            at += name;
            /* A quoted value ends at its quote, an unquoted one at the word's end. */
            if (string[at] == '\'' || string[at] == '"') {
                const char *end = strchr(string + at + 1, string[at]);
                at = end == NULL ? at + strlen(string + at) : (size_t)(end - string) + 1;
            } else {
                at += strcspn(string + at, word_ends);
            }
            continue;
        }
        if (strncmp(string + at, "://", 3) == 0) {
            at += mask_url(string + at, masked);
            at_name = false;
            continue;
        }
        at_name = !is_name_byte(string[at]);
        text_append(masked, string + at, 1);
        at++;
    }
}
