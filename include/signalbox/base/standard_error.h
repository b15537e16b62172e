/*
 * Writing to standard error for who must never stand still: PID 1, the holder of the lock, and the
 * child between vfork and exec.
 */
#ifndef SIGNALBOX_BASE_STANDARD_ERROR_H
#define SIGNALBOX_BASE_STANDARD_ERROR_H

#include <stdbool.h>
#include <sys/uio.h>

/* Writes the parts, at most PIPE_BUF bytes together, at once; false where they would have to wait
 * for a reader or nobody is there to read them. A terminal that does not take them gets a tenth of
 * a second, since another process may be in the middle of writing to it. Only makes system calls,
 * so a child of vfork may call it. A broken pipe is noticed before it makes a SIGPIPE, unless it
 * breaks in the same instant. */
bool standard_error_write(const struct iovec parts[], int count);

#endif
