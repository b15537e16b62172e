/*
 * The words of one simple command, from argv or from a shell string, each with the index of the
 * argv word that it came from. The texts belong to whoever gave them.
 */
#ifndef COMMAND_WORD_LIST_H
#define COMMAND_WORD_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *text;
    size_t index;
    bool is_substituted; /* Some of it came from a substitution: it names no program. */
    bool is_unresolved;  /* Some of it is not known at all. */
};

struct sentence {
    struct word *items;
    size_t count;
};

void sentence_append(struct sentence *sentence, const struct word *word);

/* Puts `count` words in the place of those from `from` up to, but not including, `to`. */
void sentence_splice(
    struct sentence *sentence, size_t from, size_t to, const struct word *words, size_t count);

void sentence_release(struct sentence *sentence);
#define AUTO_SENTENCE __attribute__((cleanup(sentence_release)))

#endif
