/*
 * Writing to standard output and standard error for processes that must never wait: PID 1, the
 * holder of the lock, and the child between vfork and exec.
 */
#ifndef SIGNALBOX_BASE_OUTPUT_H
#define SIGNALBOX_BASE_OUTPUT_H

#include <sys/types.h>
#include <sys/uio.h>

#include "signalbox/base/cleanup.h"

/* Writes the parts, at most PIPE_BUF bytes together, to STDOUT_FILENO or STDERR_FILENO, at once.
 * Returns how many bytes have gone; -1 with EAGAIN where they would have to wait for a reader, and
 * with another errno where they have no reader. A terminal that does not take them gets a
 * tenth of a second, since another process may be in the middle of writing to it. Only makes system
 * calls, so a child of vfork may call it. A broken pipe is noticed before it makes a SIGPIPE,
 * unless it breaks in the same instant. */
ssize_t output_write(int fd, const struct iovec parts[], int count) MUST_USE;

#endif
