/*
 * A recursive descent over the subset. Every function leaves early once something is not read well,
 * so that no half-read value is ever used. What `||`, `?:` and a block leave unevaluated in Ruby is
 * "dead": read for its shape only, so that a default that is not needed may ask for a variable that
 * is not set. Depth is bounded, because the file is not ours.
 */
#include "database/expression.h"

#include <ctype.h>
#include <string.h>

#include "database/ruby_value.h"

enum { NESTING_MOST = 32, NAME_MOST = 64 };

struct scanner {
    const char *at;
    const char *end;
    const struct ruby_scope *scope;
    int dead;
    int nesting;
    enum reading reading;
    struct finding *finding;
};

static struct ruby_value read_expression(struct scanner *scanner);

static struct ruby_value unclear(struct scanner *scanner) {
    if (scanner->reading == READ_WELL) {
        scanner->reading =
            finding_set(scanner->finding, READ_UNCLEAR, 0, "is more Ruby than is read here");
    }
    return (struct ruby_value){.kind = RUBY_NIL};
}

static bool is_well(const struct scanner *scanner) {
    return scanner->reading == READ_WELL;
}

static char peek(const struct scanner *scanner) {
    if (scanner->at < scanner->end) {
        return *scanner->at;
    }
    return '\0';
}

/* Within a line, or wherever Ruby expects the expression to go on. */
static void skip_blanks(struct scanner *scanner, const char *blanks) {
    while (scanner->at < scanner->end && strchr(blanks, *scanner->at) != NULL &&
        *scanner->at != '\0') {
        scanner->at++;
    }
}
#define IN_LINE " \t"
#define ACROSS_LINES " \t\r\n"

static bool skip_token(struct scanner *scanner, const char *token) {
    skip_blanks(scanner, IN_LINE);
    size_t length = strlen(token);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, token, length) != 0) {
        return false;
    }
    scanner->at += length;
    return true;
}

static bool is_name_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9') || byte == '_';
}

/* A name with what may end a method's; empty where there is none. */
static void read_name(struct scanner *scanner, char name[NAME_MOST]) {
    size_t length = 0;
    while (is_name_byte(peek(scanner)) && length + 2 < NAME_MOST) {
        name[length++] = *scanner->at++;
    }
    bool is_question = peek(scanner) == '?' && length > 0 &&
        (scanner->end - scanner->at < 2 || scanner->at[1] != ':');
    if (is_question && islower((unsigned char)name[0])) {
        name[length++] = *scanner->at++;
    }
    name[length] = '\0';
}

static bool skip_word(struct scanner *scanner, const char *word) {
    const char *before = scanner->at;
    if (skip_token(scanner, word) && !is_name_byte(peek(scanner))) {
        return true;
    }
    scanner->at = before;
    return false;
}

static struct ruby_value read_single_quoted(struct scanner *scanner) {
    AUTO_TEXT struct text text = {.data = NULL};
    scanner->at++;
    while (scanner->at < scanner->end && *scanner->at != '\'') {
        bool is_escape = *scanner->at == '\\' && scanner->at + 1 < scanner->end &&
            (scanner->at[1] == '\'' || scanner->at[1] == '\\');
        scanner->at += is_escape ? 1 : 0;
        text_append(&text, scanner->at++, 1);
    }
    if (scanner->at == scanner->end) {
        return unclear(scanner);
    }
    scanner->at++;
    return ruby_string(text_string(&text));
}

/* After a backslash in double quotes; false for the escapes that are left to Ruby. */
static bool read_escape(struct scanner *scanner, struct text *text) {
    static const char from[] = "nt\"\\#'";
    static const char to[] = "\n\t\"\\#'";
    const char *found = peek(scanner) == '\0' ? NULL : strchr(from, peek(scanner));
    if (found == NULL) {
        return false;
    }
    text_append(text, &to[found - from], 1);
    scanner->at++;
    return true;
}

static bool read_interpolation(struct scanner *scanner, struct text *text) {
    scanner->at += 2;
    struct ruby_value value = read_expression(scanner);
    skip_blanks(scanner, ACROSS_LINES);
    bool is_read = is_well(scanner) && skip_token(scanner, "}");
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
            if (!read_escape(scanner, &text)) {
                return unclear(scanner);
            }
        } else if (*scanner->at == '#' && has_next && scanner->at[1] == '{') {
            if (!read_interpolation(scanner, &text)) {
                return unclear(scanner);
            }
        } else if (*scanner->at == '#' && has_next && strchr("@$", scanner->at[1]) != NULL) {
            return unclear(scanner);
        } else {
            text_append(&text, scanner->at++, 1);
        }
    }
    if (scanner->at == scanner->end) {
        return unclear(scanner);
    }
    scanner->at++;
    return ruby_string(text_string(&text));
}

static struct ruby_value read_string(struct scanner *scanner) {
    switch (peek(scanner)) {
    case '\'':
        return read_single_quoted(scanner);
    case '"':
        return read_double_quoted(scanner);
    default:
        return unclear(scanner);
    }
}

static struct ruby_value read_integer(struct scanner *scanner) {
    int64_t number = 0;
    bool starts_with_zero = *scanner->at == '0';
    const char *start = scanner->at;
    while (peek(scanner) == '_' || (peek(scanner) >= '0' && peek(scanner) <= '9')) {
        char digit = *scanner->at++;
        if (digit != '_' &&
            (__builtin_mul_overflow(number, 10, &number) ||
                __builtin_add_overflow(number, digit - '0', &number))) {
            return unclear(scanner);
        }
    }
    bool is_fraction = peek(scanner) == '.' && scanner->at + 1 < scanner->end &&
        scanner->at[1] >= '0' && scanner->at[1] <= '9';
    if (is_fraction || is_name_byte(peek(scanner)) ||
        (starts_with_zero && scanner->at - start > 1)) {
        return unclear(scanner);
    }
    return (struct ruby_value){.kind = RUBY_INTEGER, .integer = number};
}

static struct ruby_value variable_value(const struct scanner *scanner, const char *name) {
    const char *value = scanner->dead > 0 ? NULL : getenv(name);
    return value == NULL ? (struct ruby_value){.kind = RUBY_NIL} : ruby_string(value);
}

/* A block that Ruby would not call may hold anything: it ends with its bracket. What is in quotes
 * is not looked into, so a quote in it leaves the block to Ruby. */
static bool skip_dead_block(struct scanner *scanner) {
    int open = 1;
    for (; scanner->at < scanner->end; scanner->at++) {
        if (strchr("/%?`'#", *scanner->at) != NULL) {
            return false;
        }
        if (*scanner->at == '"') {
            const char *close =
                memchr(scanner->at + 1, '"', (size_t)(scanner->end - scanner->at) - 1);
            if (close == NULL || memchr(scanner->at, '\\', (size_t)(close - scanner->at)) ||
                memchr(scanner->at, '{', (size_t)(close - scanner->at))) {
                return false;
            }
            scanner->at = close;
            continue;
        }
        open += *scanner->at == '{' ? 1 : 0;
        open -= *scanner->at == '}' ? 1 : 0;
        if (open == 0) {
            return true;
        }
    }
    return false;
}

static struct ruby_value read_fallback_block(struct scanner *scanner, bool is_needed) {
    const char *start = scanner->at;
    scanner->dead += is_needed ? 0 : 1;
    skip_blanks(scanner, ACROSS_LINES);
    struct ruby_value value = read_expression(scanner);
    skip_blanks(scanner, ACROSS_LINES);
    bool is_closed = is_well(scanner) && skip_token(scanner, "}");
    scanner->dead -= is_needed ? 0 : 1;
    if (is_closed) {
        return value;
    }
    ruby_value_release(&value);
    if (!is_needed && scanner->dead == 0) {
        scanner->at = start;
        scanner->reading = READ_WELL;
        if (skip_dead_block(scanner)) {
            scanner->at++;
            return value;
        }
    }
    return unclear(scanner);
}

/* The parentheses of ENV.fetch and the block behind them. */
static struct ruby_value read_fetch(struct scanner *scanner) {
    struct ruby_value fallback = {.kind = RUBY_NIL};
    bool has_fallback = false;
    /* With a blank before the bracket it would hold more than the arguments. */
    if (peek(scanner) != '(') {
        return unclear(scanner);
    }
    scanner->at++;
    skip_blanks(scanner, ACROSS_LINES);
    struct ruby_value name = read_string(scanner);
    skip_blanks(scanner, ACROSS_LINES);
    if (is_well(scanner) && skip_token(scanner, ",")) {
        skip_blanks(scanner, ACROSS_LINES);
        fallback = read_expression(scanner);
        has_fallback = true;
        skip_blanks(scanner, ACROSS_LINES);
    }
    if (!is_well(scanner) || !skip_token(scanner, ")")) {
        ruby_value_release(&name);
        ruby_value_release(&fallback);
        return unclear(scanner);
    }
    struct ruby_value value = variable_value(scanner, name.string);
    if (skip_token(scanner, "{")) {
        ruby_value_release(&fallback);
        fallback = read_fallback_block(scanner, value.kind == RUBY_NIL);
        has_fallback = true;
    }
    if (value.kind == RUBY_NIL && !has_fallback && scanner->dead == 0) {
        scanner->reading = finding_set(
            scanner->finding, READ_WRONG, 0, "%.120s is not set, and has no default", name.string);
    }
    ruby_value_release(&name);
    if (value.kind == RUBY_NIL) {
        return fallback;
    }
    ruby_value_release(&fallback);
    return value;
}

static struct ruby_value read_key(struct scanner *scanner, char open, const char *close) {
    if (peek(scanner) != open) {
        return unclear(scanner);
    }
    scanner->at++;
    skip_blanks(scanner, ACROSS_LINES);
    struct ruby_value name = read_string(scanner);
    skip_blanks(scanner, ACROSS_LINES);
    if (!is_well(scanner) || !skip_token(scanner, close)) {
        ruby_value_release(&name);
        return unclear(scanner);
    }
    struct ruby_value value = variable_value(scanner, name.string);
    ruby_value_release(&name);
    return value;
}

static struct ruby_value read_env(struct scanner *scanner) {
    static const char *const questions[] = {"key?", "has_key?", "include?", "member?"};
    char method[NAME_MOST];
    if (peek(scanner) == '[') {
        return read_key(scanner, '[', "]");
    }
    if (!skip_token(scanner, ".")) {
        return unclear(scanner);
    }
    read_name(scanner, method);
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
    return unclear(scanner);
}

/* Rails.env, and Rails.env.production? */
static struct ruby_value read_rails(struct scanner *scanner) {
    static const char *const names[] = {"production", "development", "test", "staging"};
    const char *environment = scanner->scope->environment;
    if (!skip_token(scanner, ".env") || is_name_byte(peek(scanner))) {
        return unclear(scanner);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *before = scanner->at;
        if (skip_token(scanner, ".") && skip_token(scanner, names[i]) && skip_token(scanner, "?")) {
            return ruby_boolean(strcmp(environment, names[i]) == 0);
        }
        scanner->at = before;
    }
    return ruby_string(environment);
}

static struct ruby_value read_named(struct scanner *scanner) {
    char name[NAME_MOST];
    read_name(scanner, name);
    if (strcmp(name, "ENV") == 0) {
        return read_env(scanner);
    }
    if (strcmp(name, "Rails") == 0) {
        return read_rails(scanner);
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
    return unclear(scanner);
}

static struct ruby_value read_primary(struct scanner *scanner) {
    skip_blanks(scanner, IN_LINE);
    char first = peek(scanner);
    if (first == '(') {
        scanner->at++;
        skip_blanks(scanner, ACROSS_LINES);
        struct ruby_value value = read_expression(scanner);
        skip_blanks(scanner, ACROSS_LINES);
        if (is_well(scanner) && skip_token(scanner, ")")) {
            return value;
        }
        ruby_value_release(&value);
        return unclear(scanner);
    }
    if (first == '"' || first == '\'') {
        return read_string(scanner);
    }
    return first >= '0' && first <= '9' ? read_integer(scanner) : read_named(scanner);
}

static struct ruby_value read_postfix(struct scanner *scanner) {
    char method[NAME_MOST];
    struct ruby_value value = read_primary(scanner);
    while (is_well(scanner) && peek(scanner) == '.') {
        scanner->at++;
        read_name(scanner, method);
        /* In a dead expression there is no value, only its shape. */
        bool is_called = ruby_call(&value, method) || (scanner->dead > 0 && method[0] != '\0');
        if (!is_called || peek(scanner) == '(') {
            ruby_value_release(&value);
            return unclear(scanner);
        }
    }
    return value;
}

static struct ruby_value read_unary(struct scanner *scanner) {
    skip_blanks(scanner, IN_LINE);
    bool is_negated =
        peek(scanner) == '!' && (scanner->end - scanner->at < 2 || scanner->at[1] != '=');
    if (!is_negated) {
        return read_postfix(scanner);
    }
    if (++scanner->nesting > NESTING_MOST) {
        return unclear(scanner);
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
        skip_blanks(scanner, IN_LINE);
        char operation = peek(scanner);
        if (!is_well(scanner) || operation == '\0' || strchr(operators, operation) == NULL) {
            return value;
        }
        /* `x.to_i -1` hands -1 to the method. */
        bool is_argument = strchr(IN_LINE, scanner->at[-1]) != NULL;
        scanner->at++;
        is_argument = is_argument && strchr(ACROSS_LINES, peek(scanner)) == NULL;
        skip_blanks(scanner, ACROSS_LINES);
        struct ruby_value other = is_argument ? unclear(scanner) : operand(scanner);
        bool is_done =
            is_well(scanner) && (scanner->dead > 0 || ruby_calculate(&value, operation, &other));
        ruby_value_release(&other);
        if (!is_done) {
            ruby_value_release(&value);
            return unclear(scanner);
        }
    }
}

static struct ruby_value read_product(struct scanner *scanner) {
    return read_calculation(scanner, "*", read_unary);
}

static struct ruby_value read_comparison(struct scanner *scanner) {
    struct ruby_value value = read_calculation(scanner, "+-", read_product);
    bool is_equal = is_well(scanner) && skip_token(scanner, "==");
    if (!is_equal && !(is_well(scanner) && skip_token(scanner, "!="))) {
        return value;
    }
    skip_blanks(scanner, ACROSS_LINES);
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
    while (is_well(scanner) && skip_token(scanner, token)) {
        bool is_needed = ruby_value_is_true(&value) == goes_on_if;
        skip_blanks(scanner, ACROSS_LINES);
        scanner->dead += is_needed ? 0 : 1;
        struct ruby_value other = operand(scanner);
        scanner->dead -= is_needed ? 0 : 1;
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
    skip_blanks(scanner, ACROSS_LINES);
    scanner->dead += is_needed ? 0 : 1;
    struct ruby_value value = read_expression(scanner);
    scanner->dead -= is_needed ? 0 : 1;
    return value;
}

static struct ruby_value read_expression(struct scanner *scanner) {
    if (++scanner->nesting > NESTING_MOST) {
        return unclear(scanner);
    }
    struct ruby_value value = read_or(scanner);
    if (is_well(scanner) && skip_token(scanner, "?")) {
        bool is_true = ruby_value_is_true(&value);
        ruby_value_release(&value);
        struct ruby_value one = read_branch(scanner, is_true);
        bool has_other = is_well(scanner) && skip_token(scanner, ":");
        struct ruby_value other = has_other ? read_branch(scanner, !is_true) : unclear(scanner);
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
    bool is_if = is_well(scanner) && skip_word(scanner, "if");
    bool is_unless = !is_if && is_well(scanner) && skip_word(scanner, "unless");
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
    if (!is_well(scanner) || !is_wanted) {
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
    bool is_dead, struct ruby_value *value, struct finding *finding) {
    struct scanner scanner = {
        .at = code,
        .end = code + length,
        .scope = scope,
        .dead = is_dead ? 1 : 0,
        .reading = READ_WELL,
        .finding = finding,
    };
    skip_blanks(&scanner, ACROSS_LINES);
    *value = read_statement(&scanner);
    skip_blanks(&scanner, ACROSS_LINES);
    /* A comment too: what ERB writes behind the tag on that line belongs to it. */
    if (is_well(&scanner) && scanner.at != scanner.end) {
        ruby_value_release(value);
        *value = unclear(&scanner);
    }
    if (!is_well(&scanner)) {
        ruby_value_release(value);
    }
    return scanner.reading;
}
