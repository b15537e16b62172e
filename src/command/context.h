/*
 * What the walk has learned so far: see struct context in recognise.h.
 */
#ifndef COMMAND_CONTEXT_H
#define COMMAND_CONTEXT_H

#include "signalbox/command/recognise.h"

void context_copy(const struct context *from, struct context *to);

/* `assignment` is NAME=VALUE, or NAME alone for a variable that is taken away. */
void context_change(struct context *around, const char *assignment);
void context_clear(struct context *around);
void context_enter(struct context *around, const char *directory);
/* Something that may change the environment in a way that only it knows: "`doppler run`". The first
 * stands for all. */
void context_ask(struct context *around, const char *whom);
/* Words of the command go before each step. */
void context_repeat(struct context *around, const char *word);
/* What by now stands in `finders` goes before each step, and then what is found by it. */
void context_repeat_finders(struct context *around);
/* The same for words that no table knows; `whom` is what is asked, for people. */
void context_repeat_unknown(
    struct context *around, const char *whom, char *const *words, size_t count);
/* All that follows in the prefix is one word. False where that is so too often already. */
bool context_join(struct context *around);
void context_become(struct context *around, const char *user);

/* What NAME is worth to the program: NULL where it is not set, or nothing is known of the outer
 * environment (which may be NULL). */
const char *context_variable(
    const struct context *around, char *const environment[], const char *name);

#endif
