/*
 * `URI.parse(ENV["DATABASE_URL"]).tap { |url| url.path += "_cache" }`, and `.dup`, `url.path = …`.
 * The result is text again, because ActiveRecord also gets the printed form. Only plain paths are
 * taken: Ruby refuses some others in a URL.
 */
#include "database/uri.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

#include <string.h>

/* The part between the authority and the query; false where the text has no authority. */
static bool find_path(const char *url, size_t *start, size_t *end) {
    const char *authority = strstr(url, "://");
    if (authority == NULL) {
        return false;
    }
    *start = (size_t)(authority - url) + strlen("://");
    *start += strcspn(url + *start, "/?#");
    *end = *start + strcspn(url + *start, "?#");
    return true;
}

static bool is_plain_path(const char *path) {
    return path[0] == '/' &&
        path[strspn(
            path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/")] == '\0';
}

/* `= EXPRESSION` or `+= EXPRESSION` behind `url.path`. */
static bool read_new_path(struct scanner *scanner, const char *path, struct text *changed,
    struct ruby_value (*read_expression)(struct scanner *)) {
    bool is_appended = scanner_take(scanner, "+=");
    if (!is_appended && !scanner_take(scanner, "=")) {
        return false;
    }
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value value = read_expression(scanner);
    bool is_text = scanner_is_well(scanner) && (value.kind == RUBY_STRING || scanner->dead > 0);
    if (is_text) {
        text_append_string(changed, is_appended ? path : "");
        ruby_value_append(&value, changed);
    }
    ruby_value_release(&value);
    return is_text;
}

/* `{ |url| url.path … }` behind `.tap`; what it makes of the path goes to `changed`. */
static bool read_block(struct scanner *scanner, const char *path, struct text *changed,
    struct ruby_value (*read_expression)(struct scanner *)) {
    char name[NAME_MOST];
    char again[NAME_MOST];
    const char *outer_name = scanner->url_name;
    const char *outer_path = scanner->url_path;
    if (!scanner_take(scanner, "{") || !scanner_take(scanner, "|")) {
        return false;
    }
    scanner_skip(scanner, IN_LINE);
    scanner_read_name(scanner, name);
    if (name[0] == '\0' || !scanner_take(scanner, "|")) {
        return false;
    }
    scanner_skip(scanner, ACROSS_LINES);
    scanner_read_name(scanner, again);
    if (strcmp(name, again) != 0 || !scanner_take(scanner, ".path")) {
        return false;
    }
    scanner->url_name = name;
    scanner->url_path = path;
    bool is_read = read_new_path(scanner, path, changed, read_expression);
    scanner->url_name = outer_name;
    scanner->url_path = outer_path;
    scanner_skip(scanner, ACROSS_LINES);
    return is_read && scanner_take(scanner, "}");
}

/* The URL with its path changed by the block, in place of `url`. */
static bool read_tap(struct scanner *scanner, struct text *url,
    struct ruby_value (*read_expression)(struct scanner *)) {
    AUTO_TEXT struct text changed = {.data = NULL};
    AUTO_TEXT struct text whole = {.data = NULL};
    size_t start = 0;
    size_t end = 0;
    bool has_path = find_path(text_string(url), &start, &end);
    AUTO_FREE char *path = string_copy_part(text_string(url) + start, end - start);
    if (!read_block(scanner, path, &changed, read_expression)) {
        return false;
    }
    if (scanner->dead > 0) {
        return true;
    }
    if (!has_path || !is_plain_path(text_string(&changed))) {
        return false;
    }
    text_append(&whole, url->data, start);
    text_append_string(&whole, text_string(&changed));
    text_append_string(&whole, url->data + end);
    text_release(url);
    text_append_string(url, text_string(&whole));
    return true;
}

static bool read_calls(struct scanner *scanner, struct text *url,
    struct ruby_value (*read_expression)(struct scanner *)) {
    char method[NAME_MOST];
    while (scanner_peek(scanner) == '.') {
        scanner->at++;
        scanner_read_name(scanner, method);
        bool is_plain = strcmp(method, "dup") == 0 || strcmp(method, "clone") == 0 ||
            strcmp(method, "to_s") == 0;
        if (!is_plain && (strcmp(method, "tap") != 0 || !read_tap(scanner, url, read_expression))) {
            return false;
        }
    }
    return true;
}

struct ruby_value uri_read(
    struct scanner *scanner, struct ruby_value (*read_expression)(struct scanner *)) {
    AUTO_TEXT struct text url = {.data = NULL};
    if (scanner_peek(scanner) != '(' &&
        (!scanner_take(scanner, ".parse") || scanner_peek(scanner) != '(')) {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value value = read_expression(scanner);
    scanner_skip(scanner, ACROSS_LINES);
    bool is_text = value.kind == RUBY_STRING || scanner->dead > 0;
    ruby_value_append(&value, &url);
    ruby_value_release(&value);
    if (!scanner_is_well(scanner) || !is_text || !scanner_take(scanner, ")") ||
        !read_calls(scanner, &url, read_expression)) {
        return scanner_unclear(scanner);
    }
    return scanner->dead > 0 ? (struct ruby_value){.kind = RUBY_NIL}
                             : ruby_string(text_string(&url));
}
