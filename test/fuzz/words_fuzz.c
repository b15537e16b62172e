/*
 * Splitting any line: what was split and joined again splits into the same words, and what was not
 * says at which byte. Steps and servers are read from the same line.
 */
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/server.h"
#include "signalbox/command/step.h"
#include "signalbox/command/words.h"

static void check_join(const struct string_list *words) {
    AUTO_TEXT struct text line = {.data = NULL};
    AUTO_STRING_LIST struct string_list again = {.items = NULL};
    size_t offset = 0;
    words_join(words->items, words->count, &line);
    HOLDS(words_split(text_string(&line), &again, &offset) == WORDS_OK);
    HOLDS(again.count == words->count);
    for (size_t i = 0; i < again.count; i++) {
        HOLDS(strcmp(again.items[i], words->items[i]) == 0);
    }
}

static void check_lists(const char *line) {
    struct error error;
    struct step_list steps = {.items = NULL};
    struct server_list servers = {.items = NULL};
    if (step_list_append_joined(&steps, line, &error) == 0) {
        HOLDS(steps.count > 0 && steps.items[0].argv.count > 0);
    } else {
        HOLDS(error.exit_status == 64);
    }
    if (server_list_append_joined(&servers, line, &error) == 0) {
        for (size_t i = 0; i < servers.count; i++) {
            HOLDS(servers.items[i].count > 0);
        }
    }
    step_list_release(&steps);
    server_list_release(&servers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *line = string_copy_part((const char *)data, size);
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    size_t offset = 0;
    if (words_split(line, &words, &offset) == WORDS_OK) {
        check_join(&words);
    } else {
        HOLDS(words.count == 0);
        HOLDS(offset < strlen(line));
    }
    check_lists(line);
    return 0;
}
