/*
 * What else in the application's directory decides about its databases.
 */
#ifndef DATABASE_APP_OVERRIDES_H
#define DATABASE_APP_OVERRIDES_H

#include <stdbool.h>

#include "database/reading.h"
#include "signalbox/base/text.h"

/* How many bytes of a file are read at the most. */
enum { APP_OVERRIDES_FILE_MOST = 1 << 20 };

/* Whether a file that Rails loads before database.yml moves it, replaces it or may set a variable
 * that it reads and that is not set yet. Then `place` is that file and the finding says what it
 * does; `while_initializing` where only a Rails that has run its initializers knows the outcome. */
bool app_overrides_change(const char *directory, const char *environment, const char *template,
    struct text *place, bool *while_initializing, struct reading_note *reading_note);

#endif
