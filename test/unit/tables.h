/*
 * Reading the text tables of test/vectors.
 */
#ifndef TABLES_H
#define TABLES_H

#include "unit.h"

#include "signalbox/base/text.h"

/* A file below test/vectors, whole. */
static inline char *vectors_read(const char *name) {
    AUTO_TEXT struct text path = {.data = NULL};
    struct text content = {.data = NULL};
    char buffer[4096];
    size_t length = 0;
    text_append_format(&path, "%s/test/vectors/%s", TEST_SOURCE_DIR, name);
    FILE *file = fopen(text_string(&path), "r");
    if (file == NULL) {
        fail_msg("%s cannot be read", text_string(&path));
        return NULL;
    }
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        text_append(&content, buffer, length);
    }
    (void)fclose(file);
    assert_true(content.length > 0);
    return content.data;
}

/* Cuts the next line off; NULL at the end. Lines that begin with # are left out. */
static inline char *vectors_next_line(char **rest) {
    while (**rest != '\0') {
        char *line = *rest;
        char *newline = strchr(line, '\n');
        *rest = newline == NULL ? line + strlen(line) : newline + 1;
        if (newline != NULL) {
            *newline = '\0';
        }
        if (*line != '#') {
            return line;
        }
    }
    return NULL;
}

/* Cuts a line into its fields; the count must be exact. */
static inline void vectors_split(char *line, char **fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *tab = strchr(line, '\t');
        if ((tab == NULL) != (i + 1 == count)) {
            fail_msg("a row that begins with `%s` has not %zu fields", fields[0], count);
        }
        fields[i] = line;
        if (tab != NULL) {
            *tab = '\0';
            line = tab + 1;
        }
    }
}

#endif
