/*
 * A growing array of words. It copies no text.
 */
#include "command/word_list.h"
#include "signalbox/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Doubled, so that a long string's words are not copied again for each of them. */
static void reserve(struct word_list *word_list, size_t count) {
    size_t capacity = 8;
    size_t held = word_list->count == 0 ? 0 : 8;
    while (held != 0 && held < word_list->count) {
        held *= 2;
    }
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity > held) {
        word_list->items = memory_reallocate(word_list->items, capacity, sizeof *word_list->items);
    }
}

void word_list_append(struct word_list *word_list, const struct word *word) {
    reserve(word_list, word_list->count + 1);
    word_list->items[word_list->count++] = *word;
}

void word_list_splice(
    struct word_list *word_list, size_t from, size_t to, const struct word *words, size_t count) {
    size_t behind = word_list->count - to;
    reserve(word_list, from + count + behind);
    memmove(word_list->items + from + count, word_list->items + to, behind * sizeof *words);
    if (count > 0) {
        memcpy(word_list->items + from, words, count * sizeof *words);
    }
    word_list->count = from + count + behind;
}

void word_list_release(struct word_list *word_list) {
    free(word_list->items);
    *word_list = (struct word_list){.items = NULL};
}
