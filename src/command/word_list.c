/*
 * A growing array of words. It copies no text.
 */
#include "command/word_list.h"
#include "signalbox/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Doubled, so that a long string's words are not copied again for each of them. */
static void reserve(struct sentence *sentence, size_t count) {
    size_t capacity = 8;
    size_t held = sentence->count == 0 ? 0 : 8;
    while (held != 0 && held < sentence->count) {
        held *= 2;
    }
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity > held) {
        sentence->items = memory_reallocate(sentence->items, capacity, sizeof *sentence->items);
    }
}

void sentence_append(struct sentence *sentence, const struct word *word) {
    reserve(sentence, sentence->count + 1);
    sentence->items[sentence->count++] = *word;
}

void sentence_splice(
    struct sentence *sentence, size_t from, size_t to, const struct word *words, size_t count) {
    size_t behind = sentence->count - to;
    reserve(sentence, from + count + behind);
    memmove(sentence->items + from + count, sentence->items + to, behind * sizeof *words);
    if (count > 0) {
        memcpy(sentence->items + from, words, count * sizeof *words);
    }
    sentence->count = from + count + behind;
}

void sentence_release(struct sentence *sentence) {
    free(sentence->items);
    *sentence = (struct sentence){.items = NULL};
}
