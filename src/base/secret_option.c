/*
 * The options. The trap is a letter that means something else to another program: `-u app:app` is a
 * user and a group to chpst, and `-p 80:80` a port to docker. What `-u` and `--user` are given is
 * hidden whoever takes it, unless it is known to be no password; other letters only where the
 * program is known.
 */
#include "base/secret_option.h"

#include <stdbool.h>
#include <string.h>

#include "base/secret_name.h"
#include "signalbox/base/cleanup.h"

enum secret_part { PART_NONE, PART_WHOLE, PART_BEHIND_COLON };

static const char *const user_options[] = {"-u", "-U", "--user", "--username", "--proxy-user"};

/* A user and a group, for these. */
static const char *const changers_of_users[] = {
    "chpst", "docker", "podman", "nerdctl", "kubectl", "signalbox", "chroot", "unshare"};

static const struct {
    const char *program;
    char letter;
    bool is_separate; /* The value may be a word of its own; it may always stand in the same. */
} password_options[] = {
    {"mysql", 'p', false}, {"mysqladmin", 'p', false}, {"mysqldump", 'p', false},
    {"mariadb", 'p', false}, {"mariadb-admin", 'p', false}, {"mariadb-dump", 'p', false},
    {"redis-cli", 'a', true}, {"valkey-cli", 'a', true}, {"sshpass", 'p', true},
    {"ldapsearch", 'w', true}, {"login", 'p', true}, /* `docker login` and its like. */
};

static bool equals(const char *option, size_t length, const char *other) {
    return strlen(other) == length && memcmp(option, other, length) == 0;
}

static bool is_user_option(const char *option, size_t length) {
    for (size_t i = 0; i < ARRAY_LENGTH(user_options); i++) {
        if (equals(option, length, user_options[i])) {
            return true;
        }
    }
    return false;
}

static bool changes_user(const struct secret_option_context *context) {
    for (size_t i = 0; i < ARRAY_LENGTH(changers_of_users); i++) {
        if (context->has_program(context->words, changers_of_users[i])) {
            return true;
        }
    }
    return false;
}

static bool is_long(const char *option, size_t length) {
    return length > 2 && option[0] == '-' && option[1] == '-' && option[2] != '-';
}

static bool is_password_option(
    const struct secret_option_context *context, const char *option, bool is_separate) {
    for (size_t i = 0; i < ARRAY_LENGTH(password_options); i++) {
        if (option[1] == password_options[i].letter &&
            (!is_separate || password_options[i].is_separate) &&
            context->has_program(context->words, password_options[i].program)) {
            return true;
        }
    }
    return false;
}

/* Behind the colon of USER:PASSWORD; two numbers are ids, and `//` is a URL's. */
static size_t behind_colon(const char *value, size_t length) {
    const char *colon = memchr(value, ':', length);
    size_t from = colon == NULL ? length : (size_t)(colon - value) + 1;
    bool are_ids = strspn(value, "0123456789:") >= length;
    bool is_url = length - from >= 2 && memcmp(value + from, "//", 2) == 0;
    return are_ids || is_url ? length : from;
}

static size_t begin(enum secret_part part, const char *value, size_t length) {
    switch (part) {
    case PART_NONE:
        return length;
    case PART_WHOLE:
        return 0;
    case PART_BEHIND_COLON:
        return behind_colon(value, length);
    }
    return length;
}

size_t secret_option_separate(const struct secret_option_context *context, const char *option,
    size_t length, const char *value, size_t value_length) {
    enum secret_part part = PART_NONE;
    if (value_length == 0 || value[0] == '-' || memchr(option, '=', length) != NULL) {
        return value_length;
    }
    if (is_user_option(option, length)) {
        part = changes_user(context) ? PART_NONE : PART_BEHIND_COLON;
    } else if (is_long(option, length)) {
        part = secret_name_is_one(option, length) ? PART_WHOLE : PART_NONE;
    } else if (length == 2 && option[0] == '-') {
        part = is_password_option(context, option, true) ? PART_WHOLE : PART_NONE;
    }
    return begin(part, value, value_length);
}

size_t secret_option_glued(
    const struct secret_option_context *context, const char *word, size_t length) {
    const char *sign = memchr(word, '=', length);
    size_t name = sign == NULL ? 0 : (size_t)(sign - word);
    size_t value = 2;
    enum secret_part part = PART_NONE;
    if (length < 3 || word[0] != '-') {
        return length;
    }
    if (is_long(word, length)) {
        bool is_user = is_user_option(word, name) && !changes_user(context);
        value = name + 1;
        part = is_user ? PART_BEHIND_COLON : PART_NONE;
    } else if (is_user_option(word, 2)) {
        part = changes_user(context) ? PART_NONE : PART_BEHIND_COLON;
    } else if (is_password_option(context, word, false)) {
        part = PART_WHOLE;
    }
    return value + begin(part, word + value, length - value);
}
