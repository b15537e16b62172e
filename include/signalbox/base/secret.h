/*
 * Text for people without what looks like a secret in it: the password of any URL, the value of a
 * name that says that it is one (NAME=VALUE, YAML, JSON, headers), what an option is given for a
 * password, well-known tokens, private keys.
 */
#ifndef SIGNALBOX_BASE_SECRET_H
#define SIGNALBOX_BASE_SECRET_H

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

/* Appends `string` with *** in place of each secret. */
void secret_mask(const char *string, struct text *masked);

/* Appends the words of a command line, each without what is secret in it: what one says of the next
 * counts too (`--token` and its value, `-u` and USER:PASSWORD). */
void secret_mask_words(char *const *words, size_t count, struct string_list *masked);

/* The same, and in place of each of the `count` values; secret_values_mask is what one wants. */
void secret_mask_known(const char *string, char *const *values, size_t count, struct text *masked);

#endif
