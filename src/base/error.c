/*
 * Errors as plain values. A text that does not fit is cut, never overflows: what matters to the
 * reader stands at the front.
 */
#include "signalbox/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_set(struct error *error, int exit_status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error->exit_status = exit_status;
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
}

void error_add_context(struct error *error, const char *format, ...) {
    char before[sizeof error->text];
    char context[sizeof error->text];
    va_list arguments;

    memcpy(before, error->text, sizeof before);
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);

    size_t used = strnlen(context, sizeof context - 1);
    memcpy(error->text, context, used);
    (void)snprintf(error->text + used, sizeof error->text - used, ": %s", before);
}
