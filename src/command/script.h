/*
 * Recognising a shell string: each of its simple commands is walked, and the one that matters most
 * decides.
 */
#ifndef COMMAND_SCRIPT_H
#define COMMAND_SCRIPT_H

#include "command/walk.h"

/* `arguments` from `first_argument` on are $0, $1 and so on. */
void script_walk(struct walk *walk, const struct word *string, const struct sentence *arguments,
    size_t first_argument, struct finding *finding);

#endif
