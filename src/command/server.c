/*
 * The --server list. It only splits; where its words may match is the walk's business.
 */
#include "signalbox/command/server.h"

#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/command/words.h"

int server_list_append(struct server_list *servers, const char *line, struct error *error) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    size_t offset = 0;
    switch (words_split(line, &words, &offset)) {
    case WORDS_OK:
        break;
    case WORDS_OPEN_QUOTE:
        error_set(error, EXIT_STATUS_USAGE, "a quote is not closed in: %s", line);
        return -1;
    case WORDS_SHELL_SYNTAX:
        error_set(error, EXIT_STATUS_USAGE,
            "a server is named by the words it begins with, and '%c' is shell: %s",
            line[offset] == '\n' ? ' ' : line[offset], line);
        return -1;
    }
    if (words.count == 0) {
        error_set(error, EXIT_STATUS_USAGE, "a server's words are empty");
        return -1;
    }
    servers->items = memory_grow(servers->items, servers->count, sizeof *servers->items);
    servers->items[servers->count++] = words;
    words = (struct string_list){.items = NULL};
    return 0;
}

int server_list_append_joined(struct server_list *servers, const char *lines, struct error *error) {
    while (*lines != '\0') {
        size_t length = strcspn(lines, ";\n");
        if (strspn(lines, " \t") < length) {
            AUTO_FREE char *line = string_copy_part(lines, length);
            if (server_list_append(servers, line, error) != 0) {
                return -1;
            }
        }
        lines += length;
        lines += *lines != '\0';
    }
    return 0;
}

void server_list_release(struct server_list *servers) {
    for (size_t i = 0; i < servers->count; i++) {
        string_list_release(&servers->items[i]);
    }
    free(servers->items);
    *servers = (struct server_list){.items = NULL};
}
