/*
 * What else in the application's directory decides about its databases.
 */
#ifndef DATABASE_APP_OVERRIDES_H
#define DATABASE_APP_OVERRIDES_H

#include <stdbool.h>

#include "database/reading.h"
#include "signalbox/base/text.h"

enum file_result { FILE_READ, FILE_MISSING, FILE_UNREADABLE };

/* The whole of a file of at most a megabyte; `errno` says why where it cannot be read. */
enum file_result app_overrides_read(const char *directory, const char *path, struct text *content);

/* Whether a file that Rails loads before database.yml moves it, replaces it or may set a variable
 * that it reads and that is not set yet. Then `place` is that file and the finding says what it
 * does; `while_initializing` where only a Rails that has run its initializers knows the outcome. */
bool app_overrides_change(const char *directory, const char *environment, const char *template,
    struct text *place, bool *while_initializing, struct reading_note *reading_note);

#endif
