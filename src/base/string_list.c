/*
 * A list of strings, ended by NULL at all times once it has an item.
 */
#include "signalbox/base/string_list.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"

void string_list_append_owned(struct string_list *list, char *string) {
    if (list->capacity < list->count + 2) {
        list->capacity = (list->count + 2) * 2;
        list->items = memory_reallocate(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = string;
    list->items[list->count] = NULL;
}

void string_list_append(struct string_list *list, const char *string) {
    string_list_append_owned(list, string_copy(string));
}

void string_list_set(struct string_list *list, const char *assignment) {
    size_t name = strcspn(assignment, "=") + 1;
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], assignment, name) == 0) {
            free(list->items[i]);
            list->items[i] = string_copy(assignment);
            return;
        }
    }
    string_list_append(list, assignment);
}

bool string_list_has(const struct string_list *list, const char *string) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], string) == 0) {
            return true;
        }
    }
    return false;
}

void string_list_release(struct string_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct string_list){.items = NULL};
}
