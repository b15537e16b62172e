/*
 * One value of an option: from text into struct options, and back into words for people.
 */
#ifndef CLI_OPTION_VALUES_H
#define CLI_OPTION_VALUES_H

#include "cli/option_table.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"

/* `source` is the flag or the variable that the value came from. A list grows by a flag's one value
 * and by all that a variable holds. -1 with the error filled: name, value, where from, what is
 * allowed. */
int option_values_store(struct options *options, const struct option_row *row, const char *value,
    const char *source, struct error *error) MUST_USE;

void option_values_describe(
    const struct options *options, const struct option_row *row, struct text *value);

#endif
