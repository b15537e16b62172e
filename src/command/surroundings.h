/*
 * What the walk has learned so far: see struct surroundings in recognise.h.
 */
#ifndef COMMAND_SURROUNDINGS_H
#define COMMAND_SURROUNDINGS_H

#include "signalbox/command/recognise.h"

void surroundings_copy(const struct surroundings *from, struct surroundings *to);
void surroundings_release(struct surroundings *around);

/* `assignment` is NAME=VALUE, or NAME alone for a variable that is taken away. */
void surroundings_change(struct surroundings *around, const char *assignment);
void surroundings_clear(struct surroundings *around);
void surroundings_enter(struct surroundings *around, const char *directory);
void surroundings_become(struct surroundings *around, const char *user);

/* What NAME is worth to the program: NULL where it is not set, or nothing is known of the outer
 * environment (which may be NULL). */
const char *surroundings_variable(
    const struct surroundings *around, char *const environment[], const char *name);

/* POSIX 2.10.2, rule 7: the length of the name before the first `=`, 0 where it is none. */
size_t assignment_name_length(const char *word);

#endif
