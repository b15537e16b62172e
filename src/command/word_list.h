/*
 * The words of one simple command, from argv or from a shell string, each with the index of the
 * argv word that it came from. The caller owns the texts.
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

struct word_list {
    struct word *items;
    size_t count;
};

void word_list_append(struct word_list *word_list, const struct word *word);

/* Puts `count` words in the place of those from `from` up to, but not including, `to`. */
void word_list_splice(
    struct word_list *word_list, size_t from, size_t to, const struct word *words, size_t count);

void word_list_release(struct word_list *word_list);
#define AUTO_SENTENCE __attribute__((cleanup(word_list_release)))

#endif
