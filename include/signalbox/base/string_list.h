/*
 * A list of strings that it owns, ended by NULL as execve wants it.
 */
#ifndef SIGNALBOX_BASE_STRING_LIST_H
#define SIGNALBOX_BASE_STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct string_list {
    char **items; /* NULL while empty. */
    size_t count;
    size_t capacity; /* How many items there is room for; 0 where the list was made by hand. */
};

void string_list_append(struct string_list *list, const char *string);
void string_list_append_owned(struct string_list *list, char *string);
/* Puts NAME=VALUE in place of the first NAME=…, or at the end. */
void string_list_set(struct string_list *list, const char *assignment);
bool string_list_has(const struct string_list *list, const char *string);
void string_list_release(struct string_list *list);
#define AUTO_STRING_LIST __attribute__((cleanup(string_list_release)))

#endif
