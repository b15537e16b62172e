/*
 * --user and --caps carried out for this process, and so for everything that it starts: the first
 * thing that PID 1 does once it has read its options.
 */
#ifndef SIGNALBOX_PROCESS_IDENTITY_H
#define SIGNALBOX_PROCESS_IDENTITY_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"

struct identity_request {
    const char *user;        /* NAME[:GROUP], or NULL: stay who we are. */
    const char *user_source; /* The flag or the variable it came from. */
    const char *caps;        /* "none" or a list, or NULL: what the kernel leaves. */
    const char *caps_source;
};

/*
 * Becomes the user, keeps the capabilities, reads everything back, and sets HOME, USER and LOGNAME.
 * Appends to `became` one line about what was made, nothing where nothing was asked for. -1 with
 * the error filled: 77 where it is not possible, 78 where the image does not know the user. Then
 * this process may be anything between what it was and what it should be, and must start nothing.
 */
int identity_take(
    const struct identity_request *request, struct text *became, struct error *error) MUST_USE;

#endif
