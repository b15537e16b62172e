/*
 * The mask. It errs on the side of hiding: one *** too many may puzzle a reader, one password is
 * in every log collector for ever. What is hidden is marked first, byte by byte, since a value and
 * a form may overlap.
 */
#include "signalbox/base/secret.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/secret_form.h"
#include "base/secret_option.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/hex.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum mark { SHOWN = 0, HIDDEN, HIDDEN_FROM_HERE };

enum {
    WORD_MOST = 12,    /* A value of letters alone up to this length is hidden as a whole word. */
    PREFIX_LEAST = 32, /* So much of a longer value is the value, cut off. */
    BROKEN_LEAST = 4   /* A value is looked for across a line's end after so many bytes of it. */
};

static void mark(void *context, size_t from, size_t to) {
    unsigned char *marks = context;
    if (marks[from] == SHOWN) {
        marks[from] = HIDDEN_FROM_HERE;
    }
    for (size_t at = from + 1; at < to; at++) {
        marks[at] = HIDDEN;
    }
}

/* `%40`. */
static size_t read_percent(const char *string, char *byte) {
    int value = string[0] == '%' ? hex_byte(string + 1) : -1;
    if (value <= 0) {
        return 0;
    }
    *byte = (char)value;
    return 3;
}

/* `\"`, `\\`, `\/`, `\#`, `\n`, `\r`, `\u0026`. */
static size_t read_escape(const char *string, char *byte) {
    if (string[0] != '\\' || string[1] == '\0') {
        return 0;
    }
    int value = string_has_prefix(string, "\\u00") ? hex_byte(string + 4) : -1;
    if (value > 0) {
        *byte = (char)value;
        return 6;
    }
    if (string[1] == 'n' || string[1] == 'r') {
        *byte = string[1] == 'n' ? '\n' : '\r';
        return 2;
    }
    *byte = string[1];
    return ispunct((unsigned char)string[1]) ? 2 : 0;
}

/* How many bytes of `text` stand for the byte `wanted`: itself, or one of its encodings; or 0. */
static size_t match_byte(const char *text, char wanted) {
    char byte = text[0];
    if (byte == wanted) {
        return 1;
    }
    size_t length = byte == '%' ? read_percent(text, &byte) : read_escape(text, &byte);
    if (length > 0 && byte == wanted) {
        return length;
    }
    return text[0] == '+' && wanted == ' ' ? 1 : 0;
}

/* How many bytes of `text` are `value`, or as much of it as proves that they are; 0 for none. */
static size_t match(const char *text, const char *value) {
    size_t length = 0;
    size_t matched = 0;
    while (value[matched] != '\0') {
        size_t bytes = match_byte(text + length, value[matched]);
        if (bytes == 0 && matched >= BROKEN_LEAST && text[length] == '\n') {
            bytes = match_byte(text + length + 1, value[matched]);
            length += bytes > 0 ? 1 : 0;
        }
        if (bytes == 0) {
            return matched >= PREFIX_LEAST ? length : 0;
        }
        length += bytes;
        matched++;
    }
    return length;
}

static bool is_word_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_';
}

/* A word of a language, or a number: too common a thing to be hidden inside of longer words. */
static bool is_word(const char *value) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strlen(value);
    return length <= WORD_MOST &&
        (strspn(value, letters) == length || strspn(value, "0123456789") == length);
}

static bool is_apart(const char *string, size_t from, size_t to) {
    return (from == 0 || !is_word_byte(string[from - 1])) && !is_word_byte(string[to]) &&
        !string_has_prefix(string + to, "://");
}

/* The longest of the values at `at`, in bytes of the text. */
static size_t longest_match(const char *string, size_t at, char *const *values, size_t count) {
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = match(string + at, values[i]);
        if (length > longest && (!is_word(values[i]) || is_apart(string, at, at + length))) {
            longest = length;
        }
    }
    return longest;
}

static void mark_values(
    const char *string, char *const *values, size_t count, unsigned char *marks) {
    for (size_t at = 0; string[at] != '\0';) {
        size_t length = longest_match(string, at, values, count);
        if (length > 0) {
            mark(marks, at, at + length);
        }
        at += length > 0 ? length : 1;
    }
}

/* What is hidden over several lines leaves them as lines. */
static void append_shown(const char *string, const unsigned char *marks, struct text *masked) {
    for (size_t at = 0; string[at] != '\0'; at++) {
        bool begins_again = at > 0 && marks[at] == HIDDEN && string[at - 1] == '\n';
        if (marks[at] == HIDDEN_FROM_HERE || (begins_again && string[at] != '\n')) {
            text_append_string(masked, "***");
        }
        if (marks[at] == SHOWN || string[at] == '\n') {
            text_append(masked, string + at, 1);
        }
    }
}

void secret_mask_known(const char *string, char *const *values, size_t count, struct text *masked) {
    AUTO_FREE unsigned char *marks = memory_allocate(strlen(string) + 1, 1);
    mark_values(string, values, count, marks);
    secret_form_find(string, mark, marks);
    append_shown(string, marks, masked);
}

void secret_mask(const char *string, struct text *masked) {
    secret_mask_known(string, NULL, 0, masked);
}

struct words_before {
    char *const *words;
    size_t count;
};

static bool has_program(const void *words, const char *program) {
    const struct words_before *before = words;
    for (size_t i = 0; i < before->count; i++) {
        if (strcmp(path_base_name(before->words[i]), program) == 0) {
            return true;
        }
    }
    return false;
}

void secret_mask_words(char *const *words, size_t count, struct string_list *masked) {
    for (size_t i = 0; i < count; i++) {
        const struct words_before before = {.words = words, .count = i};
        const struct secret_option_context context = {.has_program = has_program, .words = &before};
        const char *option = i == 0 ? "" : words[i - 1];
        size_t length = strlen(words[i]);
        size_t shown = secret_option_separate(&context, option, strlen(option), words[i], length);
        AUTO_TEXT struct text text = {.data = NULL};
        if (shown == length) {
            shown = secret_option_glued(&context, words[i], length);
        }
        if (shown == length) {
            secret_mask(words[i], &text);
        } else {
            text_append(&text, words[i], shown);
            text_append_string(&text, "***");
        }
        string_list_append(masked, text_string(&text));
    }
}
