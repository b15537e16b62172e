/*
 * A YAML document as Ruby's YAML.unsafe_load reads it.
 */
#ifndef DATABASE_YAML_H
#define DATABASE_YAML_H

#include "database/reading.h"
#include "database/value.h"

/* Reads the first document into `pool`; `*root` is NULL where there is none. Lines are those of
 * `text`. READ_WRONG for what libyaml refuses, as Ruby does with the same library. */
enum reading yaml_read(const char *text, size_t length, struct value_pool *pool,
    struct value **root, struct reading_note *reading_note);

#endif
