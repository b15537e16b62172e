/*
 * Which bytes are a character. What steps and servers print is written on to logs and databases
 * that take nothing but UTF-8.
 */
#ifndef SIGNALBOX_BASE_UTF8_H
#define SIGNALBOX_BASE_UTF8_H

#include <stddef.h>

/* The length of the well-formed sequence at `text`, which ends with NUL, or 0 where it is none. */
size_t utf8_length(const char *text);

#endif
