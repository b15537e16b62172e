/*
 * Owns the memory of values and Ruby's rules for hashes. Knows nothing of YAML or databases.
 */
#include "database/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "database/reading.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"

enum reading reading_note_set(
    struct reading_note *reading_note, enum reading reading, int line, const char *format, ...) {
    va_list arguments;
    reading_note->line = line;
    va_start(arguments, format);
    (void)vsnprintf(reading_note->what, sizeof reading_note->what, format, arguments);
    va_end(arguments);
    return reading;
}

struct value *value_make(
    struct value_pool *pool, enum value_kind kind, const char *text, size_t length, int line) {
    struct value *value = memory_allocate(1, sizeof *value);
    *value = (struct value){.kind = kind, .line = line};
    if (text != NULL) {
        value->text = string_copy_part(text, length);
        value->length = length;
    }
    pool->values = memory_grow(pool->values, pool->count, sizeof(void *));
    pool->values[pool->count++] = value;
    return value;
}

void value_append(struct value *sequence, struct value *item) {
    sequence->items = memory_grow(sequence->items, sequence->count, sizeof(void *));
    sequence->items[sequence->count++] = item;
}

static bool is_same_key(const struct value *one, const struct value *other) {
    if (one->kind != other->kind) {
        return false;
    }
    if (one->text == NULL || other->text == NULL) {
        return one->text == other->text;
    }
    return one->length == other->length && memcmp(one->text, other->text, one->length) == 0;
}

static struct pair *find_pair(const struct value *mapping, const struct value *key) {
    for (size_t i = 0; i < mapping->count; i++) {
        if (is_same_key(mapping->pairs[i].key, key)) {
            return &mapping->pairs[i];
        }
    }
    return NULL;
}

void value_put(
    struct value_pool *pool, struct value *mapping, struct value *key, struct value *value) {
    struct pair *pair = find_pair(mapping, key);
    if (pair != NULL) {
        pair->value = value;
        return;
    }
    mapping->pairs = memory_grow(mapping->pairs, mapping->count, sizeof *mapping->pairs);
    mapping->pairs[mapping->count++] = (struct pair){.key = key, .value = value};
    pool->pairs++;
}

void value_merge(struct value_pool *pool, struct value *mapping, const struct value *other) {
    for (size_t i = 0; i < other->count && pool->pairs < VALUE_PAIRS_MOST; i++) {
        value_put(pool, mapping, other->pairs[i].key, other->pairs[i].value);
    }
}

void value_merge_missing(
    struct value_pool *pool, struct value *mapping, const struct value *other) {
    for (size_t i = 0; i < other->count && pool->pairs < VALUE_PAIRS_MOST; i++) {
        if (find_pair(mapping, other->pairs[i].key) == NULL) {
            value_put(pool, mapping, other->pairs[i].key, other->pairs[i].value);
        }
    }
}

struct value *value_get(const struct value *mapping, const char *key) {
    struct value *found = NULL;
    for (size_t i = 0; i < mapping->count; i++) {
        const struct value *candidate = mapping->pairs[i].key;
        if ((candidate->kind == VALUE_STRING || candidate->kind == VALUE_SYMBOL) &&
            strcmp(candidate->text, key) == 0) {
            found = mapping->pairs[i].value;
        }
    }
    return found;
}

bool value_is_of_mappings(const struct value *mapping) {
    for (size_t i = 0; i < mapping->count; i++) {
        enum value_kind kind = mapping->pairs[i].value->kind;
        if (kind != VALUE_MAPPING && kind != VALUE_UNREAD) {
            return false;
        }
    }
    return true;
}

const struct value *value_unread(const struct value *mapping) {
    for (size_t i = 0; value_is_of_mappings(mapping) && i < mapping->count; i++) {
        if (mapping->pairs[i].value->kind == VALUE_UNREAD) {
            return mapping->pairs[i].value;
        }
    }
    return NULL;
}

void value_pool_release(struct value_pool *pool) {
    for (size_t i = 0; i < pool->count; i++) {
        free(pool->values[i]->text);
        free(pool->values[i]->items);
        free(pool->values[i]->pairs);
        free(pool->values[i]);
    }
    free(pool->values);
    *pool = (struct value_pool){.values = NULL};
}
