/*
 * "Did you mean …?": the known word that is nearest to one that is not known.
 */
#ifndef SIGNALBOX_BASE_NEAREST_H
#define SIGNALBOX_BASE_NEAREST_H

#include <stddef.h>

/* How many letters must change, go or come (Levenshtein) to make one word of the other; words of
 * more than 63 bytes are as far apart as can be. */
size_t nearest_distance(const char *one, const char *other);

#endif
