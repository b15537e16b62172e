/*
 * Numbers as people and files write them.
 */
#ifndef SIGNALBOX_BASE_NUMBER_H
#define SIGNALBOX_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole of `string` as a decimal number within [lowest, highest]; false for anything else,
 * white space and a '+' included. */
bool number_parse(const char *string, int64_t lowest, int64_t highest, int64_t *number);

/* Digits only, into a non-negative number; false on none, garbage or overflow. */
bool number_parse_digits(const char *digits, size_t length, int64_t *number);

#endif
