/*
 * What stands behind a `$` or a backquote in a shell's word: how far it goes, and what it means
 * where that needs no shell.
 */
#ifndef COMMAND_SUBSTITUTION_H
#define COMMAND_SUBSTITUTION_H

#include "command/lexer.h"

/* Reads the substitution at lexer->at and appends what it stands for to the lexeme. A `$` that
 * begins none is a byte like any other. False where it has no end. */
bool substitution_take(struct lexer *lexer, struct lexeme *lexeme);

#endif
