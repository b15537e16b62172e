/*
 * Growing text, lists of strings, and strict readers of numbers and durations. The trap: strtol
 * takes leading white space, signs, and stops silently at garbage; the readers here accept only
 * the whole word.
 */
#include "signalbox/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* EX_OSERR of sysexits.h. The base knows no other status, and this one needs no explaining. */
static const int out_of_memory_status = 71;

static _Noreturn void out_of_memory(void) {
    static const char message[] = "signalbox: error: out of memory\n";
    (void)!write(STDERR_FILENO, message, sizeof message - 1);
    _exit(out_of_memory_status);
}

void *memory_reallocate(void *pointer, size_t count, size_t size) {
    void *grown = reallocarray(pointer, count == 0 ? 1 : count, size);
    if (grown == NULL) {
        out_of_memory();
    }
    return grown;
}

void *memory_allocate(size_t count, size_t size) {
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL) {
        out_of_memory();
    }
    return memory;
}

char *string_copy_part(const char *bytes, size_t length) {
    char *copy = memory_allocate(length + 1, 1);
    memcpy(copy, bytes, length);
    return copy;
}

char *string_copy(const char *string) {
    return string_copy_part(string, strlen(string));
}

void text_append(struct text *text, const char *bytes, size_t length) {
    if (text->capacity - text->length <= length || text->data == NULL) {
        size_t capacity = (text->length + length + 1) * 2;
        text->data = memory_reallocate(text->data, capacity, 1);
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_append_string(struct text *text, const char *string) {
    text_append(text, string, strlen(string));
}

void text_append_format(struct text *text, const char *format, ...) {
    va_list arguments;
    char *formatted = NULL;
    va_start(arguments, format);
    int length = vasprintf(&formatted, format, arguments);
    va_end(arguments);
    if (length < 0) {
        out_of_memory();
    }
    text_append(text, formatted, (size_t)length);
    free(formatted);
}

const char *text_string(const struct text *text) {
    return text->data == NULL ? "" : text->data;
}

void text_release(struct text *text) {
    free(text->data);
    *text = (struct text){.data = NULL};
}

void string_list_append_owned(struct string_list *list, char *string) {
    if (list->capacity < list->count + 2) {
        list->capacity = (list->count + 2) * 2;
        list->items = memory_reallocate(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = string;
    list->items[list->count] = NULL;
}

void string_list_append(struct string_list *list, const char *string) {
    string_list_append_owned(list, string_copy(string));
}

bool string_list_has(const struct string_list *list, const char *string) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], string) == 0) {
            return true;
        }
    }
    return false;
}

void string_list_release(struct string_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct string_list){.items = NULL};
}

bool string_has_prefix(const char *string, const char *prefix) {
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

const char *path_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Digits only, into a non-negative number; false on none, garbage or overflow. */
static bool digits_parse(const char *digits, size_t length, int64_t *number) {
    int64_t value = 0;
    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        int64_t digit = digits[i] - '0';
        if (value > (INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool number_parse(const char *string, int64_t lowest, int64_t highest, int64_t *number) {
    bool negative = string[0] == '-';
    const char *digits = negative ? string + 1 : string;
    int64_t value = 0;
    if (!digits_parse(digits, strlen(digits), &value)) {
        return false;
    }
    value = negative ? -value : value;
    if (value < lowest || value > highest) {
        return false;
    }
    *number = value;
    return true;
}

enum duration_parsed duration_parse(const char *string, int64_t *duration_ms) {
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(string, "0123456789");
    for (size_t i = 0; digits > 0 && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(string + digits, units[i].suffix) == 0) {
            int64_t value = 0;
            /* More digits than a number holds are a long time as well. */
            if (!digits_parse(string, digits, &value) ||
                value > DURATION_LONGEST_MS / units[i].factor) {
                return DURATION_TOO_LONG;
            }
            *duration_ms = value * units[i].factor;
            return DURATION_PARSED;
        }
    }
    return DURATION_MALFORMED;
}

struct duration_text duration_describe(int64_t duration_ms) {
    struct duration_text result;
    long long total_s = (long long)(duration_ms / 1000);
    if (duration_ms < 1000) {
        (void)snprintf(result.string, sizeof result.string, "%lld ms", (long long)duration_ms);
    } else if (total_s < 60) {
        (void)snprintf(result.string, sizeof result.string, "%lld.%lld s", total_s,
            (long long)(duration_ms % 1000 / 100));
    } else if (total_s < 3600) {
        (void)snprintf(
            result.string, sizeof result.string, "%lld min %lld s", total_s / 60, total_s % 60);
    } else {
        (void)snprintf(result.string, sizeof result.string, "%lld h %lld min", total_s / 3600,
            total_s % 3600 / 60);
    }
    return result;
}
