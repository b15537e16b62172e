/*
 * Where a path leads.
 */
#ifndef SIGNALBOX_BASE_PATH_H
#define SIGNALBOX_BASE_PATH_H

#include "signalbox/base/text.h"

/* Appends the absolute path of what `path` leads to, symbolic links followed, the last one also
 * where it leads to nothing so far. What does not exist of it stands as it is; where there is not
 * even a working directory, all of it. Reads the file system. */
void path_resolve(const char *path, struct text *resolved);

/* After the last '/': the name by which a program is known. */
const char *path_base_name(const char *path);

#endif
