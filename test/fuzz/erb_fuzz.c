/*
 * Any text as a template: without a tag it is itself, every line of the result comes from a line of
 * the template, and no note has a variable's value in it.
 */
#include <string.h>

#include "database/erb.h"
#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

#define SECRET "of-the-environment"

static int count_lines(const char *text, size_t length) {
    int lines = 1;
    for (size_t i = 0; i < length; i++) {
        lines += text[i] == '\n' ? 1 : 0;
    }
    return lines;
}

static void check_rendering(const char *template, size_t size, const struct rendering *rendering) {
    int lines = count_lines(template, size);
    int before = 1;
    for (size_t i = 0; i < rendering->line_count; i++) {
        HOLDS(rendering->lines[i] >= before && rendering->lines[i] <= lines);
        before = rendering->lines[i];
    }
    HOLDS(strlen(text_string(&rendering->text)) <= rendering->text.length);
    if (memmem(template, size, "<%", 2) == NULL) {
        HOLDS(rendering->text.length == size);
        HOLDS(size == 0 || memcmp(rendering->text.data, template, size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *template = string_copy_part((const char *)data, size);
    AUTO_RENDERING struct rendering rendering = {.lines = NULL};
    struct reading_note note = {.line = 0};
    (void)setenv("A", SECRET, 1);
    switch (erb_render(template, size, "production", &rendering, &note)) {
    case READ_WELL:
        check_rendering(template, size, &rendering);
        break;
    case READ_UNCLEAR:
    case READ_WRONG:
        HOLDS(note.what[0] != '\0');
        HOLDS(note.line >= 1 && note.line <= count_lines(template, size));
        /* The fuzzer may have read it here and written it into the template. */
        HOLDS(memmem(template, size, SECRET, strlen(SECRET)) != NULL ||
            strstr(note.what, SECRET) == NULL);
        break;
    }
    return 0;
}
