/*
 * Splits names into words, at every byte that is no letter or digit and before a capital inside the
 * name. Only whole words count, because many harmless names contain a secret's word: PASSENGER,
 * COMPASS, KEYCLOAK, AUTHOR, and PWD, whose value is in every line of a stack trace.
 */
#include "base/secret_name.h"

#include <ctype.h>
#include <string.h>

#include "signalbox/base/cleanup.h"

enum { WORDS_MOST = 16 };

struct name_word {
    const char *start;
    size_t length;
};

struct name_words {
    struct name_word items[WORDS_MOST];
    size_t count;
};

/* A word of a name that is one of these says that there is a secret. */
static const char *const secret_words[] = {
    "KEY",
    "KEYS",
    "SECRET",
    "TOKEN",
    "PASS",
    "PWD",
    "PW",
    "PSW",
    "CRED",
    "CREDS",
    "DSN",
    "AUTH",
    "AUTHORIZATION",
    "COOKIE",
    "SALT",
    "PEPPER",
    "JWT",
    "OTP",
    "PIN",
    "SIGNATURE",
};

/* So does one that has one of these in it … */
static const char *const secret_parts[] = {
    "PASSWORD", "PASSWD", "PASSPHRASE", "PASSCODE", "SECRET", "CREDENTIAL", "APIKEY"};

/* … or at its end. */
static const char *const secret_ends[] = {"KEY", "TOKEN", "TOKENS", "PASS", "PWD"};

static const char *const harmless_words[] = {
    "MONKEY", "TURKEY", "DONKEY", "JOCKEY", "HOCKEY", "WHISKEY", "COMPASS", "BYPASS"};

/* What a name ends with that is about a secret and is none itself. */
static const char *const harmless_ends[] = {
    "FILE",
    "FILENAME",
    "PATH",
    "DIR",
    "DIRECTORY",
    "SOCK",
    "SOCKET",
    "NAME",
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "PORT",
    "REGION",
    "COUNT",
    "SIZE",
    "LENGTH",
    "TTL",
    "TYPE",
    "EXPIRY",
    "EXPIRES",
    "TIMEOUT",
    "ENABLED",
    "REQUIRED",
    "METHOD",
    "ALGORITHM",
    "VERSION",
    "ERROR",
    "EXCEPTION",
    "INVALID",
    /* The endings of files, as a stack trace has them. */
    "RB",
    "ERB",
    "RAKE",
    "YML",
    "YAML",
    "JSON",
    "JS",
    "TS",
    "LOG",
    "TXT",
    "SQL",
    "GEMSPEC",
};

/* What stands before KEY where that opens nothing. */
static const char *const harmless_keys[] = {"PRIMARY", "FOREIGN", "UNIQUE", "DUPLICATE", "SORT",
    "CACHE", "PARTITION", "SHARD", "ROUTING", "LOCK", "INDEX", "PUBLIC", "PUBLISHABLE"};

/* What a sentence says for other reasons. */
static const char *const prose_words[] = {"KEY", "KEYS", "PASS", "PW", "SALT", "PEPPER", "AUTH",
    "SIGNATURE", "JWT", "DSN", "COOKIE", "OTP", "PIN"};

static bool equals(const struct name_word *word, const char *other) {
    /* The lists are in capitals. */
    return toupper((unsigned char)word->start[0]) == other[0] && strlen(other) == word->length &&
        strncasecmp(word->start, other, word->length) == 0;
}

static bool ends_with(const struct name_word *word, const char *other) {
    size_t length = strlen(other);
    return length <= word->length &&
        strncasecmp(word->start + word->length - length, other, length) == 0;
}

static bool contains(const struct name_word *word, const char *other) {
    size_t length = strlen(other);
    for (size_t at = 0; at + length <= word->length; at++) {
        if (strncasecmp(word->start + at, other, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const struct name_word *word, const char *const *list, size_t count,
    bool (*is_like)(const struct name_word *word, const char *other)) {
    for (size_t i = 0; i < count; i++) {
        if (is_like(word, list[i])) {
            return true;
        }
    }
    return false;
}

/* Of a name with too many words, the last ones count. */
static void add_word(struct name_words *words, const char *start, size_t length) {
    if (words->count == WORDS_MOST) {
        memmove(words->items, words->items + 1, (WORDS_MOST - 1) * sizeof words->items[0]);
        words->count--;
    }
    words->items[words->count++] = (struct name_word){.start = start, .length = length};
}

static void split(const char *name, size_t length, struct name_words *words) {
    words->count = 0;
    for (size_t at = 0; at < length;) {
        size_t start = at;
        while (at < length && isalnum((unsigned char)name[at]) &&
            (at == start || !isupper((unsigned char)name[at]) ||
                !islower((unsigned char)name[at - 1]))) {
            at++;
        }
        if (at == start) {
            at++;
            continue;
        }
        add_word(words, name + start, at - start);
    }
}

static bool is_secret_word(const struct name_word *word) {
    return !is_one_of(word, harmless_words, ARRAY_LENGTH(harmless_words), equals) &&
        (is_one_of(word, secret_words, ARRAY_LENGTH(secret_words), equals) ||
            is_one_of(word, secret_parts, ARRAY_LENGTH(secret_parts), contains) ||
            is_one_of(word, secret_ends, ARRAY_LENGTH(secret_ends), ends_with));
}

static bool is_harmless(const struct name_words *words) {
    const struct name_word *last = &words->items[words->count - 1];
    if (is_one_of(last, harmless_ends, ARRAY_LENGTH(harmless_ends), equals)) {
        return true;
    }
    if (words->count == 1) {
        return equals(last, "PWD") || equals(last, "OLDPWD");
    }
    return (equals(last, "KEY") || equals(last, "KEYS")) &&
        is_one_of(last - 1, harmless_keys, ARRAY_LENGTH(harmless_keys), equals);
}

static bool are_secret(const struct name_words *words) {
    if (words->count == 0 || is_harmless(words)) {
        return false;
    }
    for (size_t i = 0; i < words->count; i++) {
        if (is_secret_word(&words->items[i])) {
            return true;
        }
    }
    return false;
}

bool secret_name_is_one(const char *name, size_t length) {
    struct name_words words;
    split(name, length, &words);
    return are_secret(&words);
}

/* OAuth2::AccessToken, as exceptions are named: several words without anything between them. */
static bool is_class_name(const char *name, size_t length, const struct name_words *words) {
    return words->count > 1 && isupper((unsigned char)name[0]) &&
        memchr(name, '-', length) == NULL && memchr(name, '_', length) == NULL &&
        islower((unsigned char)words->items[0].start[words->items[0].length - 1]);
}

bool secret_name_is_one_in_prose(const char *name, size_t length) {
    struct name_words words;
    split(name, length, &words);
    if (!are_secret(&words) || is_class_name(name, length, &words)) {
        return false;
    }
    return words.count > 1 ||
        !is_one_of(&words.items[0], prose_words, ARRAY_LENGTH(prose_words), equals);
}

bool secret_name_is_header(const char *name, size_t length) {
    static const char *const headers[] = {
        "AUTHORIZATION", "PROXY-AUTHORIZATION", "COOKIE", "SET-COOKIE"};
    const struct name_word word = {.start = name, .length = length};
    return is_one_of(&word, headers, ARRAY_LENGTH(headers), equals);
}
