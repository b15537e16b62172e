/*
 * The URL reader. libpq's own is not used: it refuses schemes and parameters that ActiveRecord
 * takes (postgis://, pool=5) and puts the text it refuses, password and all, into its message.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "signalbox/database/database.h"
#include "signalbox/process/exit_status.h"

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)tolower((unsigned char)digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-decodes a part (RFC 3986, 2.1); NULL where an escape is broken or means a NUL. */
static char *decode(const char *part, size_t length) {
    char *decoded = memory_allocate(length + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = part[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(part[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(part[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                free(decoded);
                return NULL;
            }
            byte = (char)(high * 16 + low);
            i += 2;
        }
        decoded[used++] = byte;
    }
    return decoded;
}

/* Stores a decoded part where it is not empty; false where it cannot be decoded. */
static bool store_part(char **place, const char *part, size_t length) {
    if (length == 0) {
        return true;
    }
    char *decoded = decode(part, length);
    if (decoded == NULL) {
        return false;
    }
    free(*place);
    *place = decoded;
    return true;
}

/* `[::1]:5432`, `db:5432`, `db`. */
static bool store_address(struct database *database, const char *address, size_t length) {
    const char *host = address;
    size_t host_length = length;
    const char *rest = NULL;
    if (length > 0 && address[0] == '[') {
        const char *bracket = memchr(address, ']', length);
        if (bracket == NULL) {
            return false;
        }
        host = address + 1;
        host_length = (size_t)(bracket - host);
        rest = bracket + 1;
        if (rest < address + length && *rest != ':') {
            return false;
        }
    } else {
        const char *colon = memchr(address, ':', length);
        if (colon != NULL) {
            host_length = (size_t)(colon - address);
            rest = colon;
        }
    }
    if (!store_part(&database->host, host, host_length)) {
        return false;
    }
    if (rest == NULL || rest + 1 >= address + length) {
        return true;
    }
    size_t port_length = (size_t)(address + length - rest) - 1;
    int64_t port = 0;
    AUTO_FREE char *digits = string_copy_part(rest + 1, port_length);
    return number_parse(digits, 1, 65535, &port) &&
        store_part(&database->port, digits, port_length);
}

static bool store_authority(struct database *database, const char *authority, size_t length) {
    const char *at = memrchr(authority, '@', length);
    if (at != NULL) {
        size_t user_length = (size_t)(at - authority);
        const char *colon = memchr(authority, ':', user_length);
        if (colon != NULL) {
            user_length = (size_t)(colon - authority);
            if (!store_part(&database->password, colon + 1, (size_t)(at - colon) - 1)) {
                return false;
            }
        }
        if (!store_part(&database->user, authority, user_length)) {
            return false;
        }
        length -= (size_t)(at - authority) + 1;
        authority = at + 1;
    }
    return store_address(database, authority, length);
}

static bool store_parameter(struct database *database, const char *key, size_t key_length,
    const char *value, size_t length) {
    const struct {
        const char *key;
        char **place;
    } parts[] = {
        {"host", &database->host},
        {"port", &database->port},
        {"user", &database->user},
        {"username", &database->user},
        {"password", &database->password},
        {"database", &database->name},
        {"dbname", &database->name},
    };
    AUTO_FREE char *name = decode(key, key_length);
    if (name == NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (strcmp(parts[i].key, name) == 0) {
            return store_part(parts[i].place, value, length);
        }
    }
    char *decoded = decode(value, length);
    if (decoded == NULL) {
        return false;
    }
    string_list_append_owned(&database->keywords, take_pointer(&name));
    string_list_append_owned(&database->values, decoded);
    return true;
}

static bool store_query(struct database *database, const char *query) {
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        if (equals != NULL &&
            !store_parameter(database, query, (size_t)(equals - query), equals + 1,
                length - (size_t)(equals - query) - 1)) {
            return false;
        }
        query += length + (query[length] == '&' ? 1 : 0);
    }
    return true;
}

static int check_scheme(const char *url, const char *source, struct error *error) {
    static const char *const schemes[] = {"postgres", "postgresql", "postgis"};
    const char *colon = strstr(url, "://");
    if (colon == NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s is not a URL: write postgresql://USER:PASSWORD@HOST:PORT/NAME", source);
        return -1;
    }
    size_t length = (size_t)(colon - url);
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        if (strlen(schemes[i]) == length && strncmp(schemes[i], url, length) == 0) {
            return 0;
        }
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "%s: `%.*s` has no advisory lock that Signalbox can use, only PostgreSQL has: give a "
        "postgresql:// URL, or --prepare=never",
        source, (int)(length > 32 ? 32 : length), url);
    return -1;
}

int database_from_url(
    const char *url, const char *source, struct database *database, struct error *error) {
    *database = (struct database){.source = string_copy(source)};
    if (check_scheme(url, source, error) != 0) {
        return -1;
    }
    const char *authority = strstr(url, "://") + 3;
    size_t authority_length = strcspn(authority, "/?#");
    const char *path = authority + authority_length;
    size_t path_length = strcspn(path, "?#");
    const char *query = path + path_length;
    AUTO_FREE char *query_text = string_copy_part(query, strcspn(query, "#"));

    if (!store_authority(database, authority, authority_length) ||
        (path_length > 1 && !store_part(&database->name, path + 1, path_length - 1)) ||
        (query_text[0] == '?' && !store_query(database, query_text + 1))) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s cannot be read: percent-encode what is special in its user, password and name, "
            "and give the port as a number",
            source);
        return -1;
    }
    if (database->name == NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "%s names no database: add its name, postgresql://…/NAME", source);
        return -1;
    }
    return 0;
}

void database_release(struct database *database) {
    free(database->host);
    free(database->port);
    free(database->name);
    free(database->user);
    free(database->password);
    free(database->source);
    string_list_release(&database->keywords);
    string_list_release(&database->values);
    *database = (struct database){.host = NULL};
}
