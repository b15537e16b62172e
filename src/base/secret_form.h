/*
 * Stretches of a text that have the form of a secret: the password of a URL, the value of a name
 * that says so (in a shell, YAML, JSON, Ruby, a header), what is
 * behind a command's option for it, well-known tokens, private keys.
 */
#ifndef BASE_SECRET_FORM_H
#define BASE_SECRET_FORM_H

#include <stddef.h>

/* Hears of the bytes [from, to) of the text. */
typedef void secret_form_found(void *context, size_t from, size_t to);

/* Calls `found` for each; they may overlap. Time is linear in the text's length, as long as its
 * lines are bounded. */
void secret_form_find(const char *string, secret_form_found *found, void *context);

#endif
