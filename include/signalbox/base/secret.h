/*
 * Text for people without what looks like a secret in it: the password of any URL, and the value of
 * any NAME=VALUE whose name says that it is one.
 */
#ifndef SIGNALBOX_BASE_SECRET_H
#define SIGNALBOX_BASE_SECRET_H

#include "signalbox/base/text.h"

/* Appends `string` with *** in place of each secret. */
void secret_mask(const char *string, struct text *masked);

#endif
