/*
 * What a plain YAML scalar means to Ruby.
 */
#ifndef DATABASE_SCALAR_H
#define DATABASE_SCALAR_H

#include "database/value.h"

/* `text` without quotes and without a tag, as Psych's ScalarScanner reads it. */
struct value *scalar_resolve(struct value_pool *pool, const char *text, size_t length, int line);

#endif
