/*
 * Whether a name says that its value is a secret: API_TOKEN, smtp.password, X-Api-Key, apiKey.
 */
#ifndef BASE_SECRET_NAME_H
#define BASE_SECRET_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* The `length` bytes at `name`: of a variable, a key, a header or an option. */
bool secret_name_is_one(const char *name, size_t length);

/* The same for a name that stands in a sentence, where `key: …` and `KeyError: …` say nothing. */
bool secret_name_is_one_in_prose(const char *name, size_t length);

/* One that has a whole line of its own: Authorization, Cookie. */
bool secret_name_is_header(const char *name, size_t length);

#endif
