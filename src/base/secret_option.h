/*
 * What is secret behind an option of a command line: `--token VALUE`, `-u USER:PASSWORD`, and the
 * options of well-known programs that take a password.
 */
#ifndef BASE_SECRET_OPTION_H
#define BASE_SECRET_OPTION_H

#include <stdbool.h>
#include <stddef.h>

/* The words of a command that stand before an option; they may be asked for several times. */
struct secret_option_context {
    /* Whether one of them is this program, by its base name. */
    bool (*has_program)(const void *words, const char *program);
    const void *words;
};

/* Of `value`, the word behind the option: where what is secret in it begins; `value_length` where
 * nothing is. */
size_t secret_option_separate(const struct secret_option_context *context, const char *option,
    size_t length, const char *value, size_t value_length);

/* The same of the option's own word, whose value is in it: `--user=USER:PASSWORD`, `-pPASSWORD`. */
size_t secret_option_glued(
    const struct secret_option_context *context, const char *word, size_t length);

#endif
