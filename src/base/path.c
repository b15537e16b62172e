/*
 * Paths of files that may not exist yet. realpath(3) fails on a symbolic link whose target does not
 * exist, although a program that creates the file follows the link; so the link is followed here.
 */
#include "signalbox/base/path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

enum { LINKS_MOST = 40 };

/* How much of a path is its directory, with the '/' at its end; 0 where there is none. */
static size_t directory_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* A link at the end may lead to what is not there yet. */
static char *follow_links(const char *path) {
    char *at = string_copy(path);
    for (int link = 0; link < LINKS_MOST; link++) {
        char target[PATH_MAX];
        AUTO_TEXT struct text next = {.data = NULL};
        ssize_t length = readlink(at, target, sizeof target);
        if (length <= 0) {
            break;
        }
        text_append(&next, at, target[0] == '/' ? 0 : directory_length(at));
        text_append(&next, target, (size_t)length);
        free(at);
        at = string_copy(text_string(&next));
    }
    return at;
}

void path_resolve(const char *path, struct text *resolved) {
    AUTO_TEXT struct text whole = {.data = NULL};
    text_append_format(&whole, "%s%s", path[0] == '/' ? "" : "./", path);
    AUTO_FREE char *at = follow_links(text_string(&whole));
    AUTO_FREE char *directory = string_copy_part(at, directory_length(at));
    char *real = NULL;
    size_t length = strlen(directory);
    while (real == NULL && length > 0) {
        directory[length] = '\0';
        real = realpath(directory, NULL);
        if (real == NULL) {
            directory[length - 1] = '\0';
            length = directory_length(directory);
        }
    }
    AUTO_FREE char *owned = real;
    if (owned == NULL) {
        text_append_string(resolved, path);
        return;
    }
    text_append_format(resolved, "%s%s%s", owned, strcmp(owned, "/") == 0 ? "" : "/", at + length);
}

const char *path_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
