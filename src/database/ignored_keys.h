/*
 * Keys of a configuration that lead to no database and are no part of its creation (`pool`), and
 * the Ruby whose only effect is on such keys.
 */
#ifndef DATABASE_IGNORED_KEYS_H
#define DATABASE_IGNORED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Stands for a value that is not known: a scalar with this tag is read as unclear, and so is text
 * that has the tag in it. */
#define ASIDE_TAG "!not-read-here"
#define ASIDE_VALUE ASIDE_TAG " 0"

struct aside_part {
    const char *start;
    const char *end;
};

/* Whether code can only compute: it assigns nothing, writes no ENV, and ends where it ends. */
bool ignored_keys_is_harmless(const char *code, size_t length);

/* Whether `tag`, from its `<%=` to behind its `%>`, is the whole value of such a key in the
 * template, and is harmless. */
bool ignored_keys_is_value(const struct aside_part *template, const struct aside_part *tag);

/* Whether all that stands from behind an `if` up to its `end` are such keys, on lines of their own.
 * The first one goes to `*key`, with its indentation and its colon. */
bool ignored_keys_is_branch(const struct aside_part *rest, struct aside_part *key);

#endif
