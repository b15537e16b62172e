/*
 * Aligned lines for a terminal.
 */
#include "cli/page.h"
#include "signalbox/base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { LABEL_WIDTH = 12 };

static bool is_coloured(void) {
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');
}

static void append_printable(struct text *page, const char *value) {
    for (; *value != '\0'; value++) {
        bool moves = (unsigned char)*value < 0x20 || *value == 0x7F;
        text_append(page, moves ? " " : value, 1);
    }
}

void page_line(struct text *page, const char *label, const char *value, enum page_colour colour) {
    static const char *const begins[] = {
        [PAGE_PLAIN] = "",
        [PAGE_GOOD] = "\x1b[32m",
        [PAGE_BAD] = "\x1b[31m",
    };
    bool coloured = is_coloured();
    text_append_format(page, "%s%-*s%s %s", coloured ? "\x1b[1m" : "", LABEL_WIDTH, label,
        coloured ? "\x1b[0m" : "", coloured ? begins[colour] : "");
    append_printable(page, value);
    text_append_string(page, coloured && colour != PAGE_PLAIN ? "\x1b[0m\n" : "\n");
}
