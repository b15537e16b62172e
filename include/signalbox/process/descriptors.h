/*
 * Descriptors that a long life must not hold: a process that waits for the other end of an
 * inherited pipe, or that unmounts a file system, would wait for PID 1.
 */
#ifndef SIGNALBOX_PROCESS_DESCRIPTORS_H
#define SIGNALBOX_PROCESS_DESCRIPTORS_H

#include <stddef.h>

/* /dev/null on any missing 0, 1, 2. */
void descriptors_fill_standard(void);

/* Closes every descriptor above 2 but those in `kept`; a kept -1 stands for none. */
void descriptors_close_others(const int kept[], size_t kept_count);

#endif
