/*
 * A page for a person on standard output: a label, a value, a line each, aligned. Coloured on a
 * terminal unless NO_COLOR says otherwise (no-color.org).
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "signalbox/base/text.h"

enum page_colour { PAGE_PLAIN, PAGE_GOOD, PAGE_BAD };

/* What in `value` would move a terminal's cursor becomes a blank. */
void page_line(struct text *page, const char *label, const char *value, enum page_colour colour);

#endif
