/*
 * What --server names: words with which a command begins that serves the app although nothing in
 * its name says so (`bin/boot`).
 */
#ifndef SIGNALBOX_COMMAND_SERVER_H
#define SIGNALBOX_COMMAND_SERVER_H

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"

struct server_list {
    struct string_list *items; /* The words of each, at least one. */
    size_t count;
};

/* Appends the words of `line`. -1 with the error filled (no context) when it is empty or is more
 * than words. */
int server_list_append(struct server_list *servers, const char *line, struct error *error) MUST_USE;

/* The same for several, separated by newlines or `;`; empty ones are passed over. */
int server_list_append_joined(
    struct server_list *servers, const char *lines, struct error *error) MUST_USE;

void server_list_release(struct server_list *servers);

#endif
