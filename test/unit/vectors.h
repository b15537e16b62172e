/*
 * Tables of test/vectors: lines of columns between tabs, `#` before a remark, and columns that are
 * JSON arrays of strings. A table that is missing or empty is an error, never a pass.
 */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

#define VECTOR_COLUMNS 12

struct vector_row {
    char *columns[VECTOR_COLUMNS]; /* Empty strings where the line has fewer. */
    unsigned line;
};

static inline void vector_fail(const char *file, unsigned line, const char *what) {
    (void)fprintf(stderr, "%s:%u: %s\n", file, line, what);
    abort();
}

/* \n, \t and \\ as what they stand for. */
static inline void vectors_unescape(const char *column, struct text *text) {
    for (const char *at = column; *at != '\0'; at++) {
        const char *escapes = "n\nr\rt\t\\\\";
        const char *found = *at == '\\' && at[1] != '\0' ? strchr(escapes, at[1]) : NULL;
        text_append(text, found == NULL ? at : found + 1, 1);
        at += found == NULL ? 0 : 1;
    }
}

/* Calls `check` for each row; returns how many there were. */
static inline size_t vectors_read(const char *name, void (*check)(const struct vector_row *row)) {
    char path[512];
    char *line = NULL;
    size_t capacity = 0;
    size_t rows = 0;
    (void)snprintf(path, sizeof path, TEST_SOURCE_DIR "/test/vectors/%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        vector_fail(path, 0, "cannot be read");
        return 0;
    }
    struct vector_row row = {.line = 0};
    while (getline(&line, &capacity, file) > 0) {
        static char nothing[] = "";
        char *rest = line;
        row.line++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        for (size_t i = 0; i < VECTOR_COLUMNS; i++) {
            char *column = strsep(&rest, "\t");
            row.columns[i] = column == NULL ? nothing : column;
        }
        check(&row);
        rows++;
    }
    free(line);
    (void)fclose(file);
    if (rows == 0) {
        vector_fail(path, 0, "has no rows");
    }
    return rows;
}

/* One character of a JSON string; \u only for what ASCII has. */
static inline const char *json_take_character(const char *at, struct text *word) {
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (*at != '\\') {
        text_append(word, at, 1);
        return at + 1;
    }
    if (at[1] == 'u') {
        char digits[5] = {at[2], at[3], at[4], at[5], '\0'};
        char byte = (char)strtoul(digits, NULL, 16);
        text_append(word, &byte, 1);
        return at + 6;
    }
    for (const char *escape = escapes; *escape != '\0'; escape += 2) {
        if (*escape == at[1]) {
            text_append(word, escape + 1, 1);
            return at + 2;
        }
    }
    return NULL;
}

/* The words of `["a", "b"]`, appended; false where it is no such array. */
static inline bool json_words(const char *json, struct string_list *words) {
    const char *at = json + strspn(json, " ");
    if (*at++ != '[') {
        return false;
    }
    at += strspn(at, " ");
    while (*at != ']') {
        struct text word = {.data = NULL};
        if (*at++ != '"') {
            return false;
        }
        while (at != NULL && *at != '"' && *at != '\0') {
            at = json_take_character(at, &word);
        }
        if (at == NULL || *at != '"') {
            text_release(&word);
            return false;
        }
        string_list_append(words, text_string(&word));
        text_release(&word);
        at += 1 + strspn(at + 1, " ");
        if (*at == ',') {
            at += 1 + strspn(at + 1, " ");
        } else if (*at != ']') {
            return false;
        }
    }
    return at[1] == '\0';
}

#endif
