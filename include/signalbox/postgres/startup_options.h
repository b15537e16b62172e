/*
 * PGOPTIONS: the settings that libpq's clients ask for while they connect, as words that the server
 * splits at white space (pg_split_opts of its postinit.c), a backslash before what is meant as it
 * stands.
 */
#ifndef SIGNALBOX_POSTGRES_STARTUP_OPTIONS_H
#define SIGNALBOX_POSTGRES_STARTUP_OPTIONS_H

#include "signalbox/base/text.h"

/* Appends `given`, which may be NULL, with the setting NAME=VALUE behind it: of two settings of one
 * name the server takes the last. */
void startup_options_join(const char *given, const char *setting, struct text *joined);

#endif
