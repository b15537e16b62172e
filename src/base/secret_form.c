/*
 * The forms. What is assigned without a blank (NAME=VALUE) is hidden without further questions; in
 * all that looks like a sentence or like code the value is looked at too, since `unexpected token:
 * end` and `token = user.token` are what a stack trace is read for.
 */
#include "base/secret_form.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/secret_name.h"
#include "base/secret_option.h"
#include "base/secret_token.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"

enum { TOKEN_LEAST = 8, BARE_USER_LEAST = 16, LOOKS_RANDOM_LENGTH = 20, COMMAND_MOST = 500 };

#define BLANKS " \t"
static const char word_ends[] = BLANKS "\n'\"";
static const char command_ends[] = "\n;|&()`'\"";
static const char value_ends[] = " \t\n'\",;)}]<>";

struct search {
    const char *string;
    secret_form_found *found;
    void *context;
};

static void hide(const struct search *search, size_t from, size_t to) {
    if (from < to) {
        search->found(search->context, from, to);
    }
}

static bool is_name_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || byte == '-' || byte == '.';
}

static size_t name_length(const char *string) {
    size_t length = 0;
    while (is_name_byte(string[length])) {
        length++;
    }
    return length;
}

static size_t skip_blanks(const char *string, size_t at) {
    return at + strspn(string + at, " \t");
}

static bool is_at_line_start(const char *string, size_t at) {
    while (at > 0 && strchr(" \t-'\":", string[at - 1]) != NULL) {
        at--;
    }
    return at == 0 || string[at - 1] == '\n';
}

/* Digits, capitals inside or mere length: no word of a sentence. */
static bool looks_random(const char *value, size_t length) {
    if (length >= LOOKS_RANDOM_LENGTH) {
        return true;
    }
    for (size_t i = 0; i < length; i++) {
        if (isdigit((unsigned char)value[i]) ||
            (i > 0 && isupper((unsigned char)value[i]) && islower((unsigned char)value[i - 1]))) {
            return true;
        }
    }
    return false;
}

/* user.token, Rails.application, ENV["X"], fetch(…: code, and no value. */
static bool is_code(const char *value, size_t length) {
    bool has_link = false;
    for (size_t i = 0; i < length; i++) {
        char byte = value[i];
        if (byte == '(' || byte == '[' || byte == '{') {
            return i > 0;
        }
        if (isdigit((unsigned char)byte)) {
            return false;
        }
        has_link = has_link || byte == '.' || byte == ':';
        if (!isalpha((unsigned char)byte) && strchr("._:?!&", byte) == NULL) {
            return false;
        }
    }
    return has_link && value[length - 1] != '.';
}

/* What stands for a value, or for one that has been hidden already. */
static bool is_placeholder(const char *value, size_t length) {
    static const char *const words[] = {"nil", "null", "true", "false", "self", "none", "~"};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strlen(words[i]) == length && strncasecmp(words[i], value, length) == 0) {
            return true;
        }
    }
    return length == 0 || strchr(":[{(<$%&*|>#@", value[0]) != NULL;
}

/* Behind the opening quote at `at`: where the same quote closes, or the line's end. */
static size_t find_closing(const char *string, size_t at, char quote, size_t escapes) {
    for (; string[at] != '\0' && string[at] != '\n'; at++) {
        size_t backslashes = strspn(string + at, "\\");
        if (string[at + backslashes] == quote && backslashes <= escapes) {
            return at;
        }
        if (backslashes > 0) {
            at += backslashes;
            if (string[at] == '\0' || string[at] == '\n') {
                return at;
            }
        }
    }
    return at;
}

/* A value in quotes, plain or themselves escaped (JSON inside of a string), at `at`; false where
 * there is no quote. */
static bool hide_quoted(const struct search *search, size_t at) {
    const char *string = search->string;
    size_t escapes = strspn(string + at, "\\");
    char quote = string[at + escapes];
    if (quote != '"' && quote != '\'') {
        return false;
    }
    size_t from = at + escapes + 1;
    size_t to = find_closing(string, from, quote, escapes);
    if (string[from] != '[' || strncmp(string + from, "[FILTERED]", 10) != 0) {
        hide(search, from, to);
    }
    return true;
}

/* NAME=VALUE: the value at `at`, with its quotes. */
static void hide_assigned(const struct search *search, size_t at) {
    const char *string = search->string;
    if (string[at] == '\'' || string[at] == '"') {
        size_t to = find_closing(string, at + 1, string[at], 0);
        hide(search, at, string[to] == string[at] ? to + 1 : to);
        return;
    }
    hide(search, at, at + strcspn(string + at, word_ends));
}

/* A value without quotes behind `name: `, `name = ` or `name => `. */
static void hide_bare(const struct search *search, size_t name, size_t length, size_t at) {
    const char *string = search->string;
    size_t value = strcspn(string + at, value_ends);
    size_t word = strcspn(string + at, word_ends);
    if (is_placeholder(string + at, value) || is_code(string + at, word)) {
        return;
    }
    if (is_at_line_start(string, name)) {
        hide(search, at, at + strcspn(string + at, "\n"));
        return;
    }
    bool is_sentence = name > 0 && string[name - 1] == ' ' &&
        memchr(string + name, '_', length) == NULL && memchr(string + name, '-', length) == NULL;
    if (!is_sentence || looks_random(string + at, value)) {
        hide(search, at, at + value);
    }
}

/* Behind a name with its closing quote: the separator and where the value begins; 0 for none. */
struct separator {
    size_t value;
    bool is_tight; /* NAME=VALUE. */
};

static struct separator read_separator(const char *string, size_t at, bool is_quoted) {
    size_t sign = skip_blanks(string, at);
    if (strncmp(string + sign, "=>", 2) == 0) {
        return (struct separator){.value = skip_blanks(string, sign + 2)};
    }
    if (string[sign] == '=' && string[sign + 1] != '=' && string[sign + 1] != '~') {
        size_t value = skip_blanks(string, sign + 1);
        return (struct separator){.value = value, .is_tight = value == at + 1 && !is_quoted};
    }
    if (string[sign] == ':' && sign == at && string[sign + 1] != ':') {
        size_t value = skip_blanks(string, sign + 1);
        bool is_key = is_quoted || value > sign + 1 || strchr("'\"\\", string[value]) != NULL;
        return (struct separator){.value = is_key ? value : 0};
    }
    return (struct separator){.value = 0};
}

/* `in 'User#token': …` names a method. */
static bool is_method(const char *string, size_t name) {
    return (name > 0 && strchr("#/`", string[name - 1]) != NULL && string[name - 1] != '\0') ||
        (name > 3 && memcmp(string + name - 4, "in ", 3) == 0);
}

/* The words of a command, from its beginning or somewhat later up to `end`. */
struct words_before {
    const char *string;
    size_t end;
};

static bool has_program(const void *words, const char *program) {
    const struct words_before *before = words;
    const char *string = before->string;
    size_t length = strlen(program);
    size_t at = before->end;
    while (
        at > 0 && before->end - at < COMMAND_MOST && strchr(command_ends, string[at - 1]) == NULL) {
        at--;
    }
    for (; at + length < before->end; at++) {
        bool is_start = at == 0 || strchr("/" BLANKS, string[at - 1]) != NULL ||
            strchr(command_ends, string[at - 1]) != NULL;
        if (is_start && strncmp(string + at, program, length) == 0 &&
            strchr(BLANKS, string[at + length]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The word at `at`, which begins with a `-`, and the one behind it. */
static void take_option(const struct search *search, size_t at) {
    const char *string = search->string;
    const struct words_before before = {.string = string, .end = at};
    const struct secret_option_context context = {.has_program = has_program, .words = &before};
    if (at > 0 && strchr(word_ends, string[at - 1]) == NULL) {
        return;
    }
    size_t length = strcspn(string + at, word_ends);
    size_t value = skip_blanks(string, at + length);
    size_t in_word = secret_option_glued(&context, string + at, length);
    hide(search, at + in_word, at + length);
    if (value == at + length) {
        return;
    }
    bool is_quoted = string[value] == '\'' || string[value] == '"';
    size_t from = value + (is_quoted ? 1 : 0);
    size_t to = is_quoted ? find_closing(string, from, string[value], 0)
                          : from + strcspn(string + from, word_ends);
    while (!is_quoted && to > from && strchr(command_ends, string[to - 1]) != NULL) {
        to--;
    }
    size_t begins =
        from + secret_option_separate(&context, string + at, length, string + from, to - from);
    if (!is_quoted && is_placeholder(string + begins, to - begins)) {
        return;
    }
    if (is_quoted && begins == from && begins < to) {
        hide_assigned(search, value);
    } else {
        hide(search, begins, to);
    }
}

/* The name at `name`, of `length` bytes, and its value. */
static void take_named(const struct search *search, size_t name, size_t length) {
    const char *string = search->string;
    if (!secret_name_is_one(string + name, length)) {
        return;
    }
    size_t behind = name + length;
    size_t escapes = strspn(string + behind, "\\");
    char quote = string[behind + escapes];
    bool is_quoted = name > 0 && (quote == '"' || quote == '\'') && string[name - 1] == quote;
    struct separator separator =
        read_separator(string, is_quoted ? behind + escapes + 1 : behind, is_quoted);
    if (separator.value == 0) {
        return;
    }
    if (separator.is_tight) {
        hide_assigned(search, separator.value);
        return;
    }
    bool is_header = secret_name_is_header(string + name, length);
    if (is_method(string, name) ||
        !(is_quoted || is_header || secret_name_is_one_in_prose(string + name, length)) ||
        hide_quoted(search, separator.value)) {
        return;
    }
    if (is_header) {
        hide(search, separator.value, separator.value + strcspn(string + separator.value, "\n\"'"));
        return;
    }
    hide_bare(search, name, length, separator.value);
}

/* `Bearer …`, `Basic …` wherever they stand. */
static void take_scheme(const struct search *search, size_t at, size_t length) {
    static const char *const schemes[] = {"Bearer", "Basic", "Token"};
    const char *string = search->string;
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        if (strlen(schemes[i]) == length && strncasecmp(string + at, schemes[i], length) == 0) {
            size_t from = skip_blanks(string, at + length);
            size_t token = strcspn(string + from, value_ends);
            if (from > at + length && token >= TOKEN_LEAST && string[from] != '[' &&
                looks_random(string + from, token)) {
                hide(search, from, from + token);
            }
        }
    }
}

/* The "://" of a URL at `at`: its password, or a user that is a token. */
static void take_url(const struct search *search, size_t at) {
    const char *rest = search->string + at + 3;
    size_t authority = strcspn(rest, "/?#");
    size_t word = strcspn(rest, word_ends);
    const char *end = memrchr(rest, '@', authority < word ? authority : word);
    if (end == NULL) {
        /* A password with a slash in it is wrong, and still a password. */
        end = memrchr(rest, '@', word);
        if (end == NULL || memchr(rest, ':', (size_t)(end - rest)) == NULL) {
            return;
        }
    }
    const char *colon = memchr(rest, ':', (size_t)(end - rest));
    size_t user = (size_t)((colon == NULL ? end : colon) - rest);
    if (colon != NULL) {
        hide(search, at + 3 + user + 1, at + 3 + (size_t)(end - rest));
    }
    if (user >= BARE_USER_LEAST && looks_random(rest, user)) {
        hide(search, at + 3, at + 3 + user);
    }
}

static bool is_base64_byte(char byte) {
    return isalnum((unsigned char)byte) || byte == '+' || byte == '/' || byte == '=';
}

/* A private key whose beginning is no longer there: the whole lines of base64 before its end. */
static void hide_lines_before(const struct search *search, size_t end) {
    const char *string = search->string;
    size_t from = end;
    for (size_t at = end; at > 0 && string[at - 1] == '\n'; from = at) {
        for (at--; at > 0 && is_base64_byte(string[at - 1]); at--) {
        }
        if (string[at] == '\n' || (at > 0 && string[at - 1] != '\n')) {
            break;
        }
    }
    hide(search, from, from < end ? end - 1 : end);
}

/* At "-----": a PEM block's beginning or end; *behind is how far it goes. */
static bool take_pem(const struct search *search, size_t at, size_t *behind) {
    static const char private_key[] = "PRIVATE KEY";
    const char *string = search->string;
    bool begins = string_has_prefix(string + at, "-----BEGIN ");
    if (!begins && !string_has_prefix(string + at, "-----END ")) {
        return false;
    }
    size_t label = at + (begins ? 11 : 9);
    size_t length = strspn(string + label, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ");
    const char *found = memmem(string + label, length, private_key, sizeof private_key - 1);
    if (found == NULL || !string_has_prefix(string + label + length, "-----")) {
        return false;
    }
    *behind = label + length + 5;
    if (!begins) {
        hide_lines_before(search, at);
        return true;
    }
    const char *end = strstr(string + *behind, "-----END ");
    size_t to = end == NULL ? strlen(string) : (size_t)(end - string);
    size_t from = *behind + (string[*behind] == '\n');
    hide(search, from, to > from && string[to - 1] == '\n' ? to - 1 : to);
    *behind = to;
    if (end != NULL) {
        *behind += 9;
    }
    return true;
}

void secret_form_find(const char *string, secret_form_found *found, void *context) {
    const struct search search = {.string = string, .found = found, .context = context};
    for (size_t at = 0; string[at] != '\0';) {
        size_t behind = 0;
        if (string_has_prefix(string + at, "://")) {
            take_url(&search, at);
            at += 3;
            continue;
        }
        if (string[at] == '-' && take_pem(&search, at, &behind)) {
            at = behind;
            continue;
        }
        if (string[at] == '-') {
            take_option(&search, at);
        }
        size_t name = name_length(string + at);
        if (name == 0) {
            at++;
            continue;
        }
        size_t token = secret_token_length(string + at);
        hide(&search, at, at + token);
        take_named(&search, at, name);
        take_scheme(&search, at, name);
        at += name;
    }
}
