/*
 * What the walk has learned so far: see struct surroundings in recognise.h.
 */
#ifndef COMMAND_CONTEXT_H
#define COMMAND_CONTEXT_H

#include "signalbox/command/recognise.h"

void surroundings_copy(const struct surroundings *from, struct surroundings *to);

/* `assignment` is NAME=VALUE, or NAME alone for a variable that is taken away. */
void surroundings_change(struct surroundings *around, const char *assignment);
void surroundings_clear(struct surroundings *around);
void surroundings_enter(struct surroundings *around, const char *directory);
/* Something that may change the environment in a way that only it knows: "`doppler run`". The first
 * stands for all. */
void surroundings_ask(struct surroundings *around, const char *whom);
/* Words of the command go before each step. */
void surroundings_repeat(struct surroundings *around, const char *word);
/* What by now stands in `finders` goes before each step, and then what is found by it. */
void surroundings_repeat_finders(struct surroundings *around);
/* The same for words that no table knows; `whom` is what is asked, for people. */
void surroundings_repeat_unknown(
    struct surroundings *around, const char *whom, char *const *words, size_t count);
/* All that follows in the prefix is one word. False where that is so too often already. */
bool surroundings_join(struct surroundings *around);
void surroundings_become(struct surroundings *around, const char *user);

/* What NAME is worth to the program: NULL where it is not set, or nothing is known of the outer
 * environment (which may be NULL). */
const char *surroundings_variable(
    const struct surroundings *around, char *const environment[], const char *name);

/* POSIX 2.10.2, rule 7: the length of the name before the first `=`, 0 where it is none. */
size_t assignment_name_length(const char *word);

#endif
