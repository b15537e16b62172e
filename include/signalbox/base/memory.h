/*
 * Memory is asked for at start-up or in the preparer. Where there is none the process ends with one
 * line and status 71.
 */
#ifndef SIGNALBOX_BASE_MEMORY_H
#define SIGNALBOX_BASE_MEMORY_H

#include <stddef.h>

/* calloc and reallocarray that do not return NULL. */
void *memory_allocate(size_t count, size_t size);
void *memory_reallocate(void *pointer, size_t count, size_t size);

/* Room for one more behind `count` items, in an array that only this has made, from NULL on. It
 * doubles, so that a long list is not copied for each item. */
void *memory_grow(void *items, size_t count, size_t size);

/* Ends the process as those above do, for memory that was asked for elsewhere. */
_Noreturn void memory_exhausted(void);

#endif
