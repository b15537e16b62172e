/*
 * The other end of asking a wrapper: `signalbox signalbox:environment:NONCE`, run behind it. The
 * one word is no option and no program's name, so that no command is taken for it.
 */
#ifndef SIGNALBOX_COMMAND_REPLY_H
#define SIGNALBOX_COMMAND_REPLY_H

#include <stdbool.h>

bool reply_is_wanted(char *const argv[]);

/* Sends this process's environment and directory to who asked, waits until that has read it, and
 * returns the exit status. Prints nothing but why it cannot. */
int reply_send(char *const argv[]);

#endif
