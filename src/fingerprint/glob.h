/*
 * Patterns of --watch against relative paths, both with `/` between their parts and none at an end.
 * Within a part `*` is any text, `?` any character, `[a-z]` and `[!a-z]` a set, and a backslash
 * takes the next character as it is; no wildcard stands for a leading dot. A part `**` is any
 * number of folders that have none. A pattern that names a folder means all that is in it.
 */
#ifndef FINGERPRINT_GLOB_H
#define FINGERPRINT_GLOB_H

#include <stdbool.h>

#include "signalbox/base/text.h"

enum glob_match {
    GLOB_NO,
    GLOB_BELOW, /* Not this, but perhaps something in it, if it is a folder. */
    GLOB_YES
};

/* The empty pattern is the folder that paths begin from. */
enum glob_match glob_match(const char *pattern, const char *path);

/* What is wrong with a pattern and what to write instead, as a clause; NULL where nothing is. */
const char *glob_problem(const char *pattern);

/* The parts before the first that has a wildcard, as a path; true where there is no wildcard. */
bool glob_base(const char *pattern, struct text *base);

#endif
