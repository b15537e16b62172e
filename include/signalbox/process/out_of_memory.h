/*
 * How often the kernel's OOM killer has killed in our memory cgroup, so that a command that it
 * ended is not one that "somebody killed".
 */
#ifndef SIGNALBOX_PROCESS_OUT_OF_MEMORY_H
#define SIGNALBOX_PROCESS_OUT_OF_MEMORY_H

#include <stdint.h>

/* The kernel's counter (memory.events, or memory.oom_control of cgroup v1); -1 where it cannot be
 * read. `proc` and `cgroups` are "/proc" and "/sys/fs/cgroup" but in tests. */
int64_t out_of_memory_kills(const char *proc, const char *cgroups);

#endif
