/*
 * Bundler's lock file: a section begins with a word at the margin, and its lines are indented. GEM
 * and GIT sections have a `remote:` too, with addresses in it, so only PATH sections count.
 */
#include "signalbox/rails/gemfile_lock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/file.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum { LOCK_FILE_MOST = 16 << 20 };

static bool line_is(const char *line, size_t length, const char *text) {
    return length == strlen(text) && memcmp(line, text, length) == 0;
}

void gemfile_lock_paths(const char *content, size_t length, struct string_list *paths) {
    static const char remote[] = "  remote: ";
    const size_t remote_length = sizeof remote - 1;
    const char *end = content + length;
    bool is_path_section = false;
    while (content < end) {
        const char *newline = memchr(content, '\n', (size_t)(end - content));
        const char *next = newline == NULL ? end : newline + 1;
        size_t line_length = (size_t)((newline == NULL ? end : newline) - content);
        if (line_length > 0 && content[line_length - 1] == '\r') {
            line_length--;
        }
        if (line_length > 0 && content[0] != ' ') {
            is_path_section = line_is(content, line_length, "PATH");
        } else if (is_path_section && line_length > remote_length &&
            memcmp(content, remote, remote_length) == 0 &&
            memchr(content, '\0', line_length) == NULL) {
            string_list_append_owned(
                paths, string_copy_part(content + remote_length, line_length - remote_length));
        }
        content = next;
    }
}

void gemfile_lock_name(const char *gemfile, struct text *name) {
    if (strcmp(path_base_name(gemfile), "gems.rb") == 0) {
        text_append(name, gemfile, strlen(gemfile) - strlen("rb"));
        text_append_string(name, "locked");
        return;
    }
    text_append_format(name, "%s.lock", gemfile);
}

void gemfile_lock_read(const char *directory, struct text *content) {
    const char *gemfile = getenv("BUNDLE_GEMFILE");
    AUTO_TEXT struct text chosen = {.data = NULL};
    if (gemfile != NULL && gemfile[0] != '\0') {
        gemfile_lock_name(gemfile, &chosen);
    }
    const char *const names[] = {text_string(&chosen), "Gemfile.lock", "gems.locked"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct error error;
        if (names[i][0] != '\0' &&
            file_read(directory, names[i], LOCK_FILE_MOST, content, &error) == FILE_READ) {
            return;
        }
    }
}
