/*
 * Hexadecimal digits, in either case.
 */
#ifndef SIGNALBOX_BASE_HEX_H
#define SIGNALBOX_BASE_HEX_H

/* 0 to 15, or -1 for any other byte. */
int hex_digit(char digit);

/* What the two digits at `digits` stand for, or -1. Looks at the second only behind a first. */
int hex_byte(const char *digits);

#endif
