/*
 * The Ruby that is read here: literals, ENV, URI.parse with a new path, `||`, `&&`, `?:`, `==`,
 * `+`, a few methods, and their nesting. Anything else is READ_UNCLEAR, never a guess.
 */
#ifndef DATABASE_EXPRESSION_H
#define DATABASE_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "database/reading.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum ruby_kind { RUBY_NIL, RUBY_FALSE, RUBY_TRUE, RUBY_INTEGER, RUBY_STRING };

struct ruby_value {
    enum ruby_kind kind;
    int64_t integer;
    char *string; /* Of RUBY_STRING; owned. */
};

void ruby_value_release(struct ruby_value *value);
bool ruby_value_is_true(const struct ruby_value *value);
/* value.to_s, at the end of `text`. */
void ruby_value_append(const struct ruby_value *value, struct text *text);

/* Local variables of one template: name and value at the same index. */
struct ruby_scope {
    const char *environment; /* Rails.env */
    struct string_list names;
    struct ruby_value *values;
};

void ruby_scope_assign(struct ruby_scope *scope, const char *name, struct ruby_value value);
/* From here on nobody knows what the name stands for. */
void ruby_scope_forget(struct ruby_scope *scope, const char *name);
void ruby_scope_release(struct ruby_scope *scope);

/* Evaluates the whole of `code`. With `is_dead` nothing is looked up: it is only seen to be an
 * expression. The finding has a variable's name or nothing of the code, and no line. */
enum reading expression_evaluate(const char *code, size_t length, const struct ruby_scope *scope,
    bool is_dead, struct ruby_value *value, struct reading_note *reading_note);

#endif
