/*
 * What a shell string sets up before its server, as text that can stand before each step.
 */
#ifndef COMMAND_SHELL_SETUP_H
#define COMMAND_SHELL_SETUP_H

#include "command/resolve.h"
#include "command/shell.h"
#include "signalbox/base/text.h"

struct setup {
    const struct shell_call *call;
    bool is_needed;      /* Something in it is only known to the shell. */
    bool is_login;       /* The shell reads its user's own files first. */
    struct text text;    /* Of the string up to `taken`, with `:` where a program was. */
    size_t taken;        /* How far the string has been taken. */
    size_t prefix_count; /* The words before each step that were there before this string. */
    bool was_partial;    /* Of the context before this string. */
    bool has_tasks; /* A `$(…)` in it migrates, loads, seeds or drops: never to be repeated. */
    char *left_out; /* The first program of note that the text leaves out, or NULL. */
};

void shell_setup_begin(
    struct setup *setup, const struct shell_call *call, const struct context *around);

/* A command has been walked and was no part of the set-up unless its name says so: the text goes on
 * behind it. */
void shell_setup_pass(struct setup *setup, const struct script *script,
    const struct word_list *words, size_t at, enum command_kind kind);

/* Where it is needed, puts the shell with all that stands before the current command in front of
 * the steps, in place of what this string had put there word by word. False where it is not needed
 * or cannot be. */
bool shell_setup_repeat(struct setup *setup, const struct script *script, struct resolver *resolver,
    struct context *around);

void shell_setup_release(struct setup *setup);

#endif
