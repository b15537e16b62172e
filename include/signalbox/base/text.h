/*
 * Text that grows, and small exact helpers on text. Memory for text is asked for at start-up or in
 * the preparer; where there is none the process ends with one line and status 71, because there is
 * nothing sensible left to do with half a plan.
 */
#ifndef SIGNALBOX_BASE_TEXT_H
#define SIGNALBOX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"

struct text {
    char *data; /* NUL after `length` bytes; NULL while empty. Released by text_release. */
    size_t length;
    size_t capacity;
};

void text_append(struct text *text, const char *bytes, size_t length);
void text_append_string(struct text *text, const char *string);
void text_append_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *text_string(const struct text *text);
void text_release(struct text *text);
#define AUTO_TEXT __attribute__((cleanup(text_release)))

/* A list of strings that it owns, ended by NULL as execve wants it. */
struct string_list {
    char **items; /* NULL while empty. */
    size_t count;
    size_t capacity; /* How many items there is room for; 0 where the list was made by hand. */
};

void string_list_append(struct string_list *list, const char *string);
void string_list_append_owned(struct string_list *list, char *string);
bool string_list_has(const struct string_list *list, const char *string);
void string_list_release(struct string_list *list);
#define AUTO_STRING_LIST __attribute__((cleanup(string_list_release)))

/* malloc and strdup that do not return NULL: the process ends with 71 instead. */
void *memory_allocate(size_t count, size_t size);
void *memory_reallocate(void *pointer, size_t count, size_t size);
char *string_copy(const char *string);
char *string_copy_part(const char *bytes, size_t length);

bool string_has_prefix(const char *string, const char *prefix);

/* After the last '/': the name by which a program is known. */
const char *path_base_name(const char *path);

/* The whole of `string` as a decimal number within [lowest, highest]; false for anything else,
 * white space and a '+' included. */
bool number_parse(const char *string, int64_t lowest, int64_t highest, int64_t *number);

/* A year. Longer than anybody waits, and so short that no sum of a few durations overflows. */
#define DURATION_LONGEST_MS (INT64_C(365) * 24 * 3600 * 1000)

enum duration_parsed { DURATION_PARSED, DURATION_MALFORMED, DURATION_TOO_LONG };

/* "500ms", "30s", "10m", "1h" as milliseconds, which are not touched where it is anything else. */
enum duration_parsed duration_parse(const char *string, int64_t *duration_ms) MUST_USE;

/* For people: "850 ms", "12.3 s", "4 min 10 s", "2 h 5 min". */
struct duration_text {
    char string[32];
};
struct duration_text duration_describe(int64_t duration_ms);

#endif
