/*
 * What the entrypoints of Rails 7.2 and 8.0 do: preload the image's jemalloc.
 */
#ifndef SIGNALBOX_RAILS_JEMALLOC_H
#define SIGNALBOX_RAILS_JEMALLOC_H

#include <stdbool.h>

/* Sets LD_PRELOAD for the steps and the command, unless it is set, even to nothing. False where no
 * libjemalloc.so.2 is found. */
bool jemalloc_preload(void);

#endif
