/*
 * Memory or the end. Nothing sensible is left to do with half a plan.
 */
#include "signalbox/base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "signalbox/base/exit_status.h"

_Noreturn void memory_exhausted(void) {
    static const char message[] = "signalbox: error: out of memory\n";
    (void)!write(STDERR_FILENO, message, sizeof message - 1);
    _exit(EXIT_STATUS_SYSTEM);
}

void *memory_reallocate(void *pointer, size_t count, size_t size) {
    void *grown = reallocarray(pointer, count == 0 ? 1 : count, size);
    if (grown == NULL) {
        memory_exhausted();
    }
    return grown;
}

void *memory_grow(void *items, size_t count, size_t size) {
    bool is_full = (count & (count - 1)) == 0;
    return is_full ? memory_reallocate(items, count == 0 ? 1 : 2 * count, size) : items;
}

void *memory_allocate(size_t count, size_t size) {
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL) {
        memory_exhausted();
    }
    return memory;
}
