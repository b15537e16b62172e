/*
 * Hexadecimal digits: read in either case, written in lower case.
 */
#ifndef SIGNALBOX_BASE_HEX_H
#define SIGNALBOX_BASE_HEX_H

#include <stddef.h>

/* 0 to 15, or -1 for any other byte. */
int hex_digit(char digit);

/* What the two digits at `digits` stand for, or -1. Looks at the second only behind a first. */
int hex_byte(const char *digits);

/* Writes two digits for each of the bytes and a NUL, so `digits` needs 2 * count + 1 bytes. */
void hex_write(const unsigned char *bytes, size_t count, char *digits);

#endif
