/*
 * Recognising a shell string: each of its simple commands is walked, and the one that matters most
 * decides.
 */
#ifndef COMMAND_SCRIPT_H
#define COMMAND_SCRIPT_H

#include "command/walk.h"

/* `ends_on_failure`: as with `sh -e`. `arguments` from `first_argument` on are $0, $1 and so on. */
void script_walk(struct walk *walk, const struct word *string, const struct sentence *arguments,
    size_t first_argument, bool ends_on_failure, struct finding *finding);

#endif
