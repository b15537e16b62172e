/*
 * The Ruby that is not read and whose only effect is on one value, and keys of a configuration that
 * lead to no database and are no part of its creation (`pool`), whose branches nobody needs.
 */
#ifndef DATABASE_IGNORED_KEYS_H
#define DATABASE_IGNORED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* A value that is not known: a scalar with the first tag is VALUE_UNCLEAR, of a key that leads
 * nowhere; one with the second, or with either in its text, VALUE_UNREAD. */
#define ASIDE_TAG "!not-read-here"
#define ASIDE_VALUE ASIDE_TAG " 0"
#define UNREAD_TAG "!not-read-here-at-all"
#define UNREAD_VALUE UNREAD_TAG " 0"

struct aside_part {
    const char *start;
    const char *end;
};

/* Whether code can only compute: it assigns nothing, writes no ENV, and ends where it ends. */
bool ignored_keys_is_harmless(const char *code, size_t length);

/* What may stand in the template for `tag`, from its `<%=` to behind its `%>`: it is harmless and a
 * part of one value, of whatever key or of an item of a list. NULL for any other. */
const char *ignored_keys_stand_in(const struct aside_part *template, const struct aside_part *tag);

/* Whether all that stands from behind an `if` up to its `end` are such keys, on lines of their own.
 * The first one goes to `*key`, with its indentation and its colon. */
bool ignored_keys_is_branch(const struct aside_part *rest, struct aside_part *key);

#endif
