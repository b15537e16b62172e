/*
 * What the values of an expression can do.
 */
#ifndef DATABASE_RUBY_H
#define DATABASE_RUBY_H

#include "database/expression.h"

struct ruby_value ruby_string(const char *string);
struct ruby_value ruby_boolean(bool is_true);
struct ruby_value ruby_copy(const struct ruby_value *value);
bool ruby_equal(const struct ruby_value *one, const struct ruby_value *other);

/* Calls a method without arguments on `value` and puts the result in its place; false where the
 * method is not known here for such a value. */
bool ruby_call(struct ruby_value *value, const char *method);

/* value + other (or -, *), in the place of `value`; false where Ruby would refuse it or the number
 * is too large. */
bool ruby_calculate(struct ruby_value *value, char operation, const struct ruby_value *other);

#endif
