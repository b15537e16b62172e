/*
 * The command that prepares by itself: the configured step, or tasks that migrate, load or seed.
 * It takes the lock, and where its tasks begin with the whole of the steps it is recorded as them.
 */
#ifndef COMMAND_RAKE_TASK_H
#define COMMAND_RAKE_TASK_H

#include "command/resolve.h"

/* Decides the finding where the program at `at` is to be run under the lock, or cannot be although
 * it changes the database; false where it is something else. */
bool rake_task_decide(
    struct resolver *resolver, const struct word_list *words, size_t at, struct match *match);

/* Keeps in mind what the program at `at`, which the walk has come to, does; rake_task_decide does
 * so for tasks. */
void rake_task_note(struct resolver *resolver, const struct word_list *words, size_t at);

/* Keeps the first command that is for the lock, in case that it does not get it. */
void rake_task_remember(struct resolver *resolver, const struct word_list *words, size_t at);

/* Whether all that was noted begins with the whole of the steps, and fails where they do. */
bool rake_task_is_step(struct resolver *resolver);

/* Whether the program at `at` ends by itself and soon: an unknown server must never be
 * waited for with the lock in hand. */
bool rake_task_ends(struct resolver *resolver, const struct word_list *words, size_t at);

/* Whether the program at `at`, although it ends, may make the database or the way to it. */
bool rake_task_opens_way(const struct word_list *words, size_t at);

#endif
