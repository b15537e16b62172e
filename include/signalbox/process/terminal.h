/*
 * The foreground of our controlling terminal. Every call is harmless where there is none. All
 * signals must be blocked (signals_take_over): only then does a background group get the foreground
 * instead of being stopped by TTOU.
 */
#ifndef SIGNALBOX_PROCESS_TERMINAL_H
#define SIGNALBOX_PROCESS_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

/* The group in the foreground, -1 when there is no controlling terminal. It is looked for at 0, 1,
 * 2 and then at /dev/tty. A group of another PID namespace is 0, and so is then getpgrp(2). */
pid_t terminal_foreground(void);

/* Makes `group` the foreground group. False where that was not possible. */
bool terminal_give_foreground(pid_t group);

/* Stops our whole group as ^Z would, until it is continued, and says whether that happened:
 * the kernel refuses to stop a group that no process could continue (an orphaned one). */
bool terminal_stop_ourselves(void);

#endif
