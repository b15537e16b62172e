/*
 * The URL reader. libpq's own is not used: it refuses schemes and parameters that ActiveRecord
 * takes (postgis://, pool=5) and puts the text it refuses, password and all, into its message.
 * Where Ruby's parser refuses what libpq connects to (`_` in a host, several hosts, an unencoded @
 * in a password), this one accepts it; it never reads anything differently.
 */
#include "database/url.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "signalbox/base/hex.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

/* What ActiveRecord's parser leaves away around a URL: a secret made with `echo` ends so. */
#define BLANKS " \t\r\n\f\v"

struct reader {
    struct value_pool *pool;
    struct value *settings;
    struct reading_note *reading_note;
};

/* Percent-decodes a part (RFC 3986, 2.1); NULL where an escape is broken or means a NUL. */
static char *decode(const char *part, size_t length) {
    char *decoded = memory_allocate(length + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = part[i];
        if (byte == '%') {
            int escaped = i + 2 < length ? hex_byte(part + i + 1) : -1;
            if (escaped <= 0) {
                free(decoded);
                return NULL;
            }
            byte = (char)escaped;
            i += 2;
        }
        decoded[used++] = byte;
    }
    return decoded;
}

static void put(struct reader *reader, const char *key, const char *value) {
    struct value *name = value_make(reader->pool, VALUE_STRING, key, strlen(key), 0);
    value_put(reader->pool, reader->settings, name,
        value == NULL ? value_make(reader->pool, VALUE_NIL, NULL, 0, 0)
                      : value_make(reader->pool, VALUE_STRING, value, strlen(value), 0));
}

/* Nothing where the part is empty: a blank part of a URL says nothing. False where it cannot be
 * decoded. */
static bool put_part(struct reader *reader, const char *key, const char *part, size_t length) {
    if (length == 0) {
        put(reader, key, NULL);
        return true;
    }
    AUTO_FREE char *decoded = decode(part, length);
    if (decoded == NULL) {
        return false;
    }
    put(reader, key, decoded);
    return true;
}

/* `[::1]:5432`, `db:5432`, `db`: one host, appended to the two lists. */
static bool append_host(
    const char *conninfo, size_t length, struct text *hosts, struct text *ports, bool *has_port) {
    const char *end = conninfo + length;
    const char *host = conninfo;
    const char *host_end = end;
    const char *rest = memchr(conninfo, ':', length);
    if (length > 0 && conninfo[0] == '[') {
        const char *bracket = memchr(conninfo, ']', length);
        if (bracket == NULL || (bracket + 1 < end && bracket[1] != ':')) {
            return false;
        }
        host = conninfo + 1;
        host_end = bracket;
        rest = bracket + 1 < end ? bracket + 1 : NULL;
    } else if (rest != NULL) {
        host_end = rest;
    }
    text_append(hosts, host, (size_t)(host_end - host));
    if (rest == NULL || rest + 1 == end) {
        return true;
    }
    int64_t port = 0;
    AUTO_FREE char *digits = string_copy_part(rest + 1, (size_t)(end - rest) - 1);
    if (digits[0] == '-' || !number_parse(digits, 1, 65535, &port)) {
        return false;
    }
    *has_port = true;
    text_append_format(ports, "%lld", (long long)port);
    return true;
}

static bool put_addresses(struct reader *reader, const char *conninfo, size_t length) {
    AUTO_TEXT struct text hosts = {.data = NULL};
    AUTO_TEXT struct text ports = {.data = NULL};
    const char *end = conninfo + length;
    bool has_port = false;
    for (;;) {
        const char *comma = memchr(conninfo, ',', (size_t)(end - conninfo));
        const char *stop = comma == NULL ? end : comma;
        if (!append_host(conninfo, (size_t)(stop - conninfo), &hosts, &ports, &has_port)) {
            return false;
        }
        if (comma == NULL) {
            break;
        }
        text_append_string(&hosts, ",");
        text_append_string(&ports, ",");
        conninfo = comma + 1;
    }
    put(reader, "port", has_port ? text_string(&ports) : NULL);
    return put_part(reader, "host", text_string(&hosts), hosts.length);
}

static bool put_authority(struct reader *reader, const char *authority, size_t length) {
    const char *at = length == 0 ? NULL : memrchr(authority, '@', length);
    if (at != NULL) {
        size_t user_length = (size_t)(at - authority);
        const char *colon = memchr(authority, ':', user_length);
        if (colon != NULL) {
            user_length = (size_t)(colon - authority);
            if (!put_part(reader, "password", colon + 1, (size_t)(at - colon) - 1)) {
                return false;
            }
        }
        if (!put_part(reader, "username", authority, user_length)) {
            return false;
        }
        length -= (size_t)(at - authority) + 1;
        authority = at + 1;
    }
    return put_addresses(reader, authority, length);
}

/* Keys are taken as they stand; only values are decoded. */
static bool put_query(struct reader *reader, const char *query, size_t length) {
    const char *end = query + length;
    while (query < end) {
        const char *ampersand = memchr(query, '&', (size_t)(end - query));
        const char *stop = ampersand == NULL ? end : ampersand;
        const char *equals = memchr(query, '=', (size_t)(stop - query));
        if (equals != NULL) {
            AUTO_FREE char *key = string_copy_part(query, (size_t)(equals - query));
            if (!put_part(reader, key, equals + 1, (size_t)(stop - equals) - 1)) {
                return false;
            }
        }
        query = ampersand == NULL ? end : ampersand + 1;
    }
    return true;
}

/* The scheme as an adapter: lower case, `-` as `_`, and ActiveRecord's names for protocols. */
static void put_adapter(struct reader *reader, const char *scheme, size_t length) {
    static const struct {
        const char *protocol;
        const char *adapter;
    } protocols[] = {{"postgres", "postgresql"}, {"sqlite", "sqlite3"}, {"mysql", "mysql2"}};
    AUTO_FREE char *adapter = string_copy_part(scheme, length);
    for (char *at = adapter; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
        if (*at == '-') {
            *at = '_';
        }
    }
    for (size_t i = 0; i < ARRAY_LENGTH(protocols); i++) {
        if (strcmp(protocols[i].protocol, adapter) == 0) {
            put(reader, "adapter", protocols[i].adapter);
            return;
        }
    }
    put(reader, "adapter", adapter);
}

/* Whether an `@` stands where only a slip has put it: `postgres:://user:secret@host/name` is a name
 * to ActiveRecord, `//user:12/34@host/name` the host `user`. A secret would be shown as a name. */
static bool hides_user(const char *rest, size_t length, bool is_sqlite) {
    const char *at = memchr(rest, '@', length);
    if (at == NULL || rest[0] != '/') {
        return at != NULL && !is_sqlite;
    }
    if (length < 2 || rest[1] != '/') {
        return false;
    }
    const char *slash = memchr(rest + 2, '/', length - 2);
    return slash != NULL && slash < at && memchr(rest + 2, ':', (size_t)(slash - rest) - 2) != NULL;
}

/* What stands behind the scheme; false where it cannot be decoded. */
static bool put_rest(
    struct reader *reader, const char *rest, size_t length, bool has_scheme, bool is_sqlite) {
    const char *question = memchr(rest, '?', length);
    size_t before = question == NULL ? length : (size_t)(question - rest);
    const char *query = question == NULL ? rest + length : question + 1;
    size_t query_length = (size_t)(rest + length - query);
    if (has_scheme && before > 0 && rest[0] != '/') {
        /* `sqlite3:db/x.sqlite3`: there are no parts, and here the query overrides nothing. */
        return put_query(reader, query, query_length) && put_part(reader, "database", rest, before);
    }
    const char *path = rest;
    if (before >= 2 && rest[1] == '/') {
        const char *authority = rest + 2;
        const char *slash = memchr(authority, '/', before - 2);
        path = slash == NULL ? rest + before : slash;
        if (!put_authority(reader, authority, (size_t)(path - authority))) {
            return false;
        }
    }
    size_t path_length = (size_t)(rest + before - path);
    size_t slash = path_length > 0 && path[0] == '/' && !is_sqlite ? 1 : 0;
    return put_part(reader, "database", path + slash, path_length - slash) &&
        put_query(reader, query, query_length);
}

static struct value *without_blanks(struct reader *reader) {
    struct value *compact = value_make(reader->pool, VALUE_MAPPING, NULL, 0, 0);
    for (size_t i = 0; i < reader->settings->count; i++) {
        if (reader->settings->pairs[i].value->kind != VALUE_NIL) {
            value_put(reader->pool, compact, reader->settings->pairs[i].key,
                reader->settings->pairs[i].value);
        }
    }
    return compact;
}

static size_t scheme_length(const char *url) {
    size_t length = 0;
    while (isalnum((unsigned char)url[length]) ||
        (length > 0 && url[length] != '\0' && strchr("+-.", url[length]) != NULL)) {
        length++;
    }
    return isalpha((unsigned char)url[0]) && url[length] == ':' ? length : 0;
}

/* What no URL may be like, before its parts are looked at. */
static enum reading check_text(const char *url, size_t scheme, struct reading_note *reading_note) {
    /* Without a scheme ActiveRecord takes it for a name, and the adapter from elsewhere. */
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_.~/?&=%+-";
    if (url[0] == '\0') {
        return reading_note_set(
            reading_note, READ_WRONG, 0, "is empty, which Rails refuses: unset it, or give a URL");
    }
    if (url[0] == '"' || url[0] == '\'') {
        return reading_note_set(reading_note, READ_WRONG, 0, "%s", URL_IS_QUOTED);
    }
    for (const char *at = url; *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at)) {
            return reading_note_set(reading_note, READ_WRONG, 0,
                "has a line break, a tab or another control character within it");
        }
    }
    if (scheme == 0 && url[strspn(url, plain)] != '\0') {
        return reading_note_set(reading_note, READ_WRONG, 0, "%s", URL_IS_NONE);
    }
    return READ_WELL;
}

enum reading url_read(const char *text, struct value_pool *pool, struct value **settings,
    struct reading_note *reading_note) {
    const char *start = text + strspn(text, BLANKS);
    size_t length = strlen(start);
    while (length > 0 && strchr(BLANKS, start[length - 1]) != NULL) {
        length--;
    }
    AUTO_FREE char *url = string_copy_part(start, length);
    struct reader reader = {.pool = pool, .reading_note = reading_note};
    size_t scheme = scheme_length(url);
    enum reading reading = check_text(url, scheme, reading_note);
    if (reading != READ_WELL) {
        return reading;
    }
    const char *rest = scheme == 0 ? url : url + scheme + 1;
    reader.settings = value_make(pool, VALUE_MAPPING, NULL, 0, 0);
    if (scheme > 0) {
        put_adapter(&reader, url, scheme);
    }
    bool is_sqlite =
        scheme > 0 && strncasecmp(url, "sqlite3", scheme) == 0 && scheme >= strlen("sqlite");
    if (hides_user(rest, strcspn(rest, "?#"), is_sqlite)) {
        return reading_note_set(reading_note, READ_WRONG, 0,
            "has an `@` where no user ends: write postgresql://USER:PASSWORD@HOST:PORT/NAME, and "
            "percent-encode what is special in them");
    }
    if (!put_rest(&reader, rest, strcspn(rest, "#"), scheme > 0, is_sqlite)) {
        return reading_note_set(reading_note, READ_WRONG, 0,
            "cannot be read: percent-encode what is special in its user, password and name, and "
            "give the port as a number");
    }
    *settings = without_blanks(&reader);
    return READ_WELL;
}

bool url_is_foreign(const char *url) {
    static const char *const prefixes[] = {"jdbc:", "http:", "https:"};
    for (size_t i = 0; i < ARRAY_LENGTH(prefixes); i++) {
        if (string_has_prefix(url, prefixes[i])) {
            return true;
        }
    }
    return false;
}
