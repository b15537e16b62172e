/*
 * The command that prepares by itself: the configured step, or tasks that migrate, load or seed.
 * It takes the lock, and where its tasks begin with the whole of the steps it is recorded as them.
 */
#ifndef COMMAND_RAKE_TASK_H
#define COMMAND_RAKE_TASK_H

#include "command/resolve.h"

/* Decides the finding where the program at `at` is to be run under the lock, or cannot be although
 * it changes the database; false where it is something else. */
bool hook_decide(
    struct walk *walk, const struct sentence *words, size_t at, struct finding *finding);

/* Keeps in mind what the program at `at`, which the walk has come to, does; hook_decide does so for
 * tasks. */
void hook_note(struct walk *walk, const struct sentence *words, size_t at);

/* Keeps the first command that is for the lock, in case that it does not get it. */
void hook_remember(struct walk *walk, const struct sentence *words, size_t at);

/* Whether all that was noted begins with the whole of the steps, and fails where they do. */
bool hook_is_step(struct walk *walk);

/* Whether the program at `at` ends by itself and soon: a server that nobody knows must never be
 * waited for with the lock in hand. */
bool hook_ends(struct walk *walk, const struct sentence *words, size_t at);

/* Whether the program at `at`, although it ends, may make the database or the way to it. */
bool hook_opens_way(const struct sentence *words, size_t at);

#endif
