/*
 * Values as Ruby has them after YAML.load: what decides is the kind that Psych gives a scalar, so
 * that `database: no` is false here too. An alias and its anchor are one value, as in Ruby, where
 * changing one changes the other.
 */
#ifndef DATABASE_VALUE_H
#define DATABASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/cleanup.h"

enum value_kind {
    VALUE_NIL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_INTEGER, /* `text` is its decimal form. */
    VALUE_STRING,
    VALUE_SYMBOL,
    VALUE_UNCLEAR, /* A float, a time, a tag: how Ruby would print it is not known here. */
    VALUE_UNREAD,  /* Ruby in the file makes it: anything, nil and a mapping too. */
    VALUE_SEQUENCE,
    VALUE_MAPPING
};

struct pair {
    struct value *key;
    struct value *value;
};

struct value {
    enum value_kind kind;
    int line;
    char *text; /* Of a scalar; otherwise NULL. */
    size_t length;
    size_t count; /* Of items or pairs. */
    struct value **items;
    struct pair *pairs;
};

/* Owns every value of one document. */
struct value_pool {
    struct value **values;
    size_t count;
    size_t pairs; /* Made so far; merge keys copy pairs, so a small file can ask for many. */
};

enum { VALUE_PAIRS_MOST = 20000 };

/* `text` is copied; NULL for none. */
struct value *value_make(
    struct value_pool *pool, enum value_kind kind, const char *text, size_t length, int line);

void value_append(struct value *sequence, struct value *item);

/* As Ruby's Hash#[]=: an equal key keeps its place and gets the new value. */
void value_put(
    struct value_pool *pool, struct value *mapping, struct value *key, struct value *value);

/* hash.merge!(other). */
void value_merge(struct value_pool *pool, struct value *mapping, const struct value *other);

/* hash.reverse_merge!(other): only what is not there yet. */
void value_merge_missing(struct value_pool *pool, struct value *mapping, const struct value *other);

/* The value of a string or symbol key, the last where there are both; NULL where there is none. */
struct value *value_get(const struct value *mapping, const char *key);

/* hash.values.all?(Hash): true for an empty mapping. What is unread counts as a mapping. */
bool value_is_of_mappings(const struct value *mapping);

/* The value, if any, that hash.values.all?(Hash) hangs on and that is not known. */
const struct value *value_unread(const struct value *mapping);

void value_pool_release(struct value_pool *pool);
#define AUTO_VALUE_POOL __attribute__((cleanup(value_pool_release)))

#endif
