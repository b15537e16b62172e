/*
 * Recognising a shell string: each of its simple commands is walked, and the one that matters most
 * decides.
 */
#ifndef COMMAND_SCRIPT_H
#define COMMAND_SCRIPT_H

#include "command/resolve.h"
#include "command/shell.h"

void script_resolve(struct resolver *resolver, const struct shell_call *call, struct match *match);

#endif
