/*
 * A recursive descent over the subset. Every function leaves early once something is not read well,
 * so that no half-read value is ever used. What `||`, `?:` and a block leave unevaluated in Ruby is
 * "dead": read for its shape only, so that a default that is not needed may ask for a variable that
 * is not set. Depth is bounded, because the file is not ours.
 */
#include "database/expression.h"

#include <string.h>

#include "database/ruby.h"
#include "database/scanner.h"
#include "database/uri.h"
#include "signalbox/base/text.h"

enum { NESTING_MOST = 32 };

static struct ruby_value read_expression(struct scanner *scanner);

static bool read_interpolation(struct scanner *scanner, struct text *text) {
    scanner->at += 2;
    struct ruby_value value = read_expression(scanner);
    scanner_skip(scanner, ACROSS_LINES);
    bool is_read = scanner_is_well(scanner) && scanner_take(scanner, "}");
    if (is_read) {
        ruby_value_append(&value, text);
    }
    ruby_value_release(&value);
    return is_read;
}

static struct ruby_value read_double_quoted(struct scanner *scanner) {
    AUTO_TEXT struct text text = {.data = NULL};
    scanner->at++;
    while (scanner->at < scanner->end && *scanner->at != '"') {
        bool has_next = scanner->at + 1 < scanner->end;
        if (*scanner->at == '\\') {
            scanner->at++;
            if (!scanner_read_escape(scanner, &text)) {
                return scanner_unclear(scanner);
            }
        } else if (*scanner->at == '#' && has_next && scanner->at[1] == '{') {
            if (!read_interpolation(scanner, &text)) {
                return scanner_unclear(scanner);
            }
        } else if (*scanner->at == '#' && has_next && strchr("@$", scanner->at[1]) != NULL) {
            return scanner_unclear(scanner);
        } else {
            text_append(&text, scanner->at++, 1);
        }
    }
    if (scanner->at == scanner->end) {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    return ruby_string(text_string(&text));
}

static struct ruby_value read_string(struct scanner *scanner) {
    switch (scanner_peek(scanner)) {
    case '\'':
        return scanner_read_single_quoted(scanner);
    case '"':
        return read_double_quoted(scanner);
    default:
        return scanner_unclear(scanner);
    }
}

static struct ruby_value variable_value(const struct scanner *scanner, const char *name) {
    const char *value = scanner->dead > 0 ? NULL : getenv(name);
    return value == NULL ? (struct ruby_value){.kind = RUBY_NIL} : ruby_string(value);
}

static struct ruby_value read_fallback_block(struct scanner *scanner, bool is_needed) {
    const char *start = scanner->at;
    scanner->dead += is_needed ? 0 : 1;
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value value = read_expression(scanner);
    scanner_skip(scanner, ACROSS_LINES);
    bool is_closed = scanner_is_well(scanner) && scanner_take(scanner, "}");
    scanner->dead -= is_needed ? 0 : 1;
    if (is_closed) {
        return value;
    }
    ruby_value_release(&value);
    if (!is_needed && scanner->dead == 0) {
        scanner->at = start;
        scanner->reading = READ_WELL;
        if (scanner_skip_dead_block(scanner)) {
            scanner->at++;
            return value;
        }
    }
    return scanner_unclear(scanner);
}

/* The parentheses of ENV.fetch and the block behind them. */
static struct ruby_value read_fetch(struct scanner *scanner) {
    struct ruby_value fallback = {.kind = RUBY_NIL};
    bool has_fallback = false;
    /* With a blank before the bracket it would hold more than the arguments. */
    if (scanner_peek(scanner) != '(') {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value name = read_string(scanner);
    scanner_skip(scanner, ACROSS_LINES);
    if (scanner_is_well(scanner) && scanner_take(scanner, ",")) {
        scanner_skip(scanner, ACROSS_LINES);
        fallback = read_expression(scanner);
        has_fallback = true;
        scanner_skip(scanner, ACROSS_LINES);
    }
    if (!scanner_is_well(scanner) || !scanner_take(scanner, ")")) {
        ruby_value_release(&name);
        ruby_value_release(&fallback);
        return scanner_unclear(scanner);
    }
    struct ruby_value value = variable_value(scanner, name.string);
    if (scanner_take(scanner, "{")) {
        ruby_value_release(&fallback);
        fallback = read_fallback_block(scanner, value.kind == RUBY_NIL);
        has_fallback = true;
    }
    if (value.kind == RUBY_NIL && !has_fallback && scanner->dead == 0) {
        scanner->reading = reading_note_set(scanner->reading_note, READ_WRONG, 0,
            "%.120s is not set, and has no default", name.string);
    }
    ruby_value_release(&name);
    if (value.kind == RUBY_NIL) {
        return fallback;
    }
    ruby_value_release(&fallback);
    return value;
}

static struct ruby_value read_key(struct scanner *scanner, char open, const char *close) {
    if (scanner_peek(scanner) != open) {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value name = read_string(scanner);
    scanner_skip(scanner, ACROSS_LINES);
    if (!scanner_is_well(scanner) || !scanner_take(scanner, close)) {
        ruby_value_release(&name);
        return scanner_unclear(scanner);
    }
    struct ruby_value value = variable_value(scanner, name.string);
    ruby_value_release(&name);
    return value;
}

static struct ruby_value read_env(struct scanner *scanner) {
    static const char *const questions[] = {"key?", "has_key?", "include?", "member?"};
    char method[NAME_MOST];
    if (scanner_peek(scanner) == '[') {
        return read_key(scanner, '[', "]");
    }
    if (!scanner_take(scanner, ".")) {
        return scanner_unclear(scanner);
    }
    scanner_read_name(scanner, method);
    if (strcmp(method, "fetch") == 0) {
        return read_fetch(scanner);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(questions); i++) {
        if (strcmp(method, questions[i]) == 0) {
            struct ruby_value value = read_key(scanner, '(', ")");
            bool is_set = value.kind != RUBY_NIL;
            ruby_value_release(&value);
            return ruby_boolean(is_set);
        }
    }
    return scanner_unclear(scanner);
}

/* Rails.env, and Rails.env.production? */
static struct ruby_value read_rails(struct scanner *scanner) {
    static const char *const names[] = {"production", "development", "test", "staging"};
    const char *environment = scanner->scope->environment;
    if (!scanner_take(scanner, ".env") || scanner_is_name_byte(scanner_peek(scanner))) {
        return scanner_unclear(scanner);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *before = scanner->at;
        if (scanner_take(scanner, ".") && scanner_take(scanner, names[i]) &&
            scanner_take(scanner, "?")) {
            return ruby_boolean(strcmp(environment, names[i]) == 0);
        }
        scanner->at = before;
    }
    return ruby_string(environment);
}

static struct ruby_value read_named(struct scanner *scanner) {
    char name[NAME_MOST];
    scanner_read_name(scanner, name);
    if (strcmp(name, "ENV") == 0) {
        return read_env(scanner);
    }
    if (strcmp(name, "Rails") == 0) {
        return read_rails(scanner);
    }
    if (strcmp(name, "URI") == 0) {
        return uri_read(scanner, read_expression);
    }
    if (scanner->url_name != NULL && strcmp(name, scanner->url_name) == 0) {
        return scanner_take(scanner, ".path") ? ruby_string(scanner->url_path)
                                              : scanner_unclear(scanner);
    }
    if (strcmp(name, "nil") == 0) {
        return (struct ruby_value){.kind = RUBY_NIL};
    }
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        return ruby_boolean(name[0] == 't');
    }
    for (size_t i = 0; i < scanner->scope->names.count; i++) {
        if (strcmp(scanner->scope->names.items[i], name) == 0) {
            return ruby_copy(&scanner->scope->values[i]);
        }
    }
    return scanner_unclear(scanner);
}

static struct ruby_value read_primary(struct scanner *scanner) {
    scanner_skip(scanner, IN_LINE);
    char first = scanner_peek(scanner);
    if (first == '(') {
        scanner->at++;
        scanner_skip(scanner, ACROSS_LINES);
        struct ruby_value value = read_expression(scanner);
        scanner_skip(scanner, ACROSS_LINES);
        if (scanner_is_well(scanner) && scanner_take(scanner, ")")) {
            return value;
        }
        ruby_value_release(&value);
        return scanner_unclear(scanner);
    }
    if (first == '"' || first == '\'') {
        return read_string(scanner);
    }
    return first >= '0' && first <= '9' ? scanner_read_integer(scanner) : read_named(scanner);
}

static struct ruby_value read_postfix(struct scanner *scanner) {
    char method[NAME_MOST];
    struct ruby_value value = read_primary(scanner);
    while (scanner_is_well(scanner) && scanner_peek(scanner) == '.') {
        scanner->at++;
        scanner_read_name(scanner, method);
        /* In a dead expression there is no value, only its shape. */
        bool is_called = ruby_call(&value, method) || (scanner->dead > 0 && method[0] != '\0');
        if (!is_called || scanner_peek(scanner) == '(') {
            ruby_value_release(&value);
            return scanner_unclear(scanner);
        }
    }
    return value;
}

static struct ruby_value read_unary(struct scanner *scanner) {
    scanner_skip(scanner, IN_LINE);
    bool is_negated =
        scanner_peek(scanner) == '!' && (scanner->end - scanner->at < 2 || scanner->at[1] != '=');
    if (!is_negated) {
        return read_postfix(scanner);
    }
    if (++scanner->nesting > NESTING_MOST) {
        return scanner_unclear(scanner);
    }
    scanner->at++;
    struct ruby_value value = read_unary(scanner);
    scanner->nesting--;
    bool is_true = ruby_value_is_true(&value);
    ruby_value_release(&value);
    return ruby_boolean(!is_true);
}

/* A left operand and what follows it at one level of precedence. */
static struct ruby_value read_calculation(struct scanner *scanner, const char *operators,
    struct ruby_value (*operand)(struct scanner *)) {
    struct ruby_value value = operand(scanner);
    for (;;) {
        scanner_skip(scanner, IN_LINE);
        char operation = scanner_peek(scanner);
        if (!scanner_is_well(scanner) || operation == '\0' ||
            strchr(operators, operation) == NULL) {
            return value;
        }
        /* `x.to_i -1` hands -1 to the method. */
        bool is_argument = strchr(IN_LINE, scanner->at[-1]) != NULL;
        scanner->at++;
        is_argument = is_argument && strchr(ACROSS_LINES, scanner_peek(scanner)) == NULL;
        scanner_skip(scanner, ACROSS_LINES);
        struct ruby_value other = is_argument ? scanner_unclear(scanner) : operand(scanner);
        bool is_done = scanner_is_well(scanner) &&
            (scanner->dead > 0 || ruby_calculate(&value, operation, &other));
        ruby_value_release(&other);
        if (!is_done) {
            ruby_value_release(&value);
            return scanner_unclear(scanner);
        }
    }
}

static struct ruby_value read_product(struct scanner *scanner) {
    return read_calculation(scanner, "*", read_unary);
}

static struct ruby_value read_comparison(struct scanner *scanner) {
    struct ruby_value value = read_calculation(scanner, "+-", read_product);
    bool is_equal = scanner_is_well(scanner) && scanner_take(scanner, "==");
    if (!is_equal && !(scanner_is_well(scanner) && scanner_take(scanner, "!="))) {
        return value;
    }
    scanner_skip(scanner, ACROSS_LINES);
    struct ruby_value other = read_calculation(scanner, "+-", read_product);
    struct ruby_value result = ruby_boolean(ruby_equal(&value, &other) == is_equal);
    ruby_value_release(&value);
    ruby_value_release(&other);
    return result;
}

/* `&&` and `||`: what is not needed is dead. */
static struct ruby_value read_logic(struct scanner *scanner, const char *token, bool goes_on_if,
    struct ruby_value (*operand)(struct scanner *)) {
    struct ruby_value value = operand(scanner);
    while (scanner_is_well(scanner) && scanner_take(scanner, token)) {
        bool is_needed = ruby_value_is_true(&value) == goes_on_if;
        scanner_skip(scanner, ACROSS_LINES);
        const char *start = scanner->at;
        scanner->dead += is_needed ? 0 : 1;
        struct ruby_value other = operand(scanner);
        scanner->dead -= is_needed ? 0 : 1;
        if (!is_needed && !goes_on_if && scanner->dead == 0 && !scanner_is_well(scanner)) {
            scanner->at = start;
            scanner->reading = READ_WELL;
            if (!scanner_skip_dead_operand(scanner)) {
                (void)scanner_unclear(scanner);
            }
        }
        if (is_needed) {
            ruby_value_release(&value);
            value = other;
        } else {
            ruby_value_release(&other);
        }
    }
    return value;
}

static struct ruby_value read_and(struct scanner *scanner) {
    return read_logic(scanner, "&&", true, read_comparison);
}

static struct ruby_value read_or(struct scanner *scanner) {
    return read_logic(scanner, "||", false, read_and);
}

static struct ruby_value read_branch(struct scanner *scanner, bool is_needed) {
    scanner_skip(scanner, ACROSS_LINES);
    scanner->dead += is_needed ? 0 : 1;
    struct ruby_value value = read_expression(scanner);
    scanner->dead -= is_needed ? 0 : 1;
    return value;
}

static struct ruby_value read_expression(struct scanner *scanner) {
    if (++scanner->nesting > NESTING_MOST) {
        return scanner_unclear(scanner);
    }
    struct ruby_value value = read_or(scanner);
    if (scanner_is_well(scanner) && scanner_take(scanner, "?")) {
        bool is_true = ruby_value_is_true(&value);
        ruby_value_release(&value);
        struct ruby_value one = read_branch(scanner, is_true);
        bool has_other = scanner_is_well(scanner) && scanner_take(scanner, ":");
        struct ruby_value other =
            has_other ? read_branch(scanner, !is_true) : scanner_unclear(scanner);
        ruby_value_release(is_true ? &other : &one);
        value = is_true ? one : other;
    }
    scanner->nesting--;
    return value;
}

/* `VALUE if CONDITION`: the condition decides before the value is evaluated, so it is read first
 * where it has to be. */
static struct ruby_value read_statement(struct scanner *scanner) {
    const char *start = scanner->at;
    scanner->dead++;
    struct ruby_value shape = read_expression(scanner);
    scanner->dead--;
    ruby_value_release(&shape);
    const char *end_of_value = scanner->at;
    bool is_if = scanner_is_well(scanner) && scanner_take_word(scanner, "if");
    bool is_unless = !is_if && scanner_is_well(scanner) && scanner_take_word(scanner, "unless");
    if (!is_if && !is_unless) {
        /* Read again as what counts: a dead reading may have skipped what a live one cannot. */
        scanner->reading = READ_WELL;
        scanner->at = start;
        return read_expression(scanner);
    }
    struct ruby_value condition = read_branch(scanner, true);
    bool is_wanted = ruby_value_is_true(&condition) == is_if;
    ruby_value_release(&condition);
    const char *end = scanner->at;
    if (!scanner_is_well(scanner) || !is_wanted) {
        return condition;
    }
    struct scanner again = *scanner;
    again.at = start;
    again.end = end_of_value;
    struct ruby_value value = read_expression(&again);
    scanner->reading = again.reading;
    scanner->at = end;
    return value;
}

enum reading expression_evaluate(const char *code, size_t length, const struct ruby_scope *scope,
    bool is_dead, struct ruby_value *value, struct reading_note *reading_note) {
    struct scanner scanner = {
        .at = code,
        .end = code + length,
        .scope = scope,
        .dead = is_dead ? 1 : 0,
        .reading = READ_WELL,
        .reading_note = reading_note,
    };
    scanner_skip_comments(&scanner);
    *value = read_statement(&scanner);
    scanner_skip_comments(&scanner);
    /* A comment without its line's end too: what ERB writes behind the tag belongs to it. */
    if (scanner_is_well(&scanner) && scanner.at != scanner.end) {
        ruby_value_release(value);
        *value = scanner_unclear(&scanner);
    }
    if (!scanner_is_well(&scanner)) {
        ruby_value_release(value);
    }
    return scanner.reading;
}
