/*
 * Values that are known to be secret, so that they can be hidden wherever they are printed: the
 * passwords of the databases, what the environment of a step holds, what a wrapper has set.
 */
#ifndef SIGNALBOX_BASE_SECRET_VALUES_H
#define SIGNALBOX_BASE_SECRET_VALUES_H

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

struct secret_values {
    struct string_list items; /* Initialise with zeroes; released by secret_values_release. */
};

/* Learns one value, which is a secret whatever it looks like; NULL and the empty one are none. Of
 * one with several lines, each line of six bytes and more; of a key in PEM, each long one. */
void secret_values_learn(struct secret_values *values, const char *value);

/* Learns from NAME=VALUE, ended by NULL (the list may be NULL): every value of six bytes and more
 * whose name says that it is a secret, and in every other value what has the form of one, such as
 * the password of a URL. To be called for each environment that a step may get. */
void secret_values_learn_environment(struct secret_values *values, char *const environment[]);

/* Appends `string`, which may have several lines, with *** in place of each of these values and of
 * all that secret_mask hides. A value is found percent-encoded, escaped (JSON, Ruby's inspect), in
 * base64, broken over two lines, and cut off after its first 32 bytes. Time is linear in the text's
 * length times the number of values. */
void secret_values_mask(
    const struct secret_values *values, const char *string, struct text *masked);

void secret_values_release(struct secret_values *values);
#define AUTO_SECRET_VALUES __attribute__((cleanup(secret_values_release)))

#endif
