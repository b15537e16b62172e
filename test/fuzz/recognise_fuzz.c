/*
 * Recognising any words: the first byte says what is known besides, the rest is argv, a NUL between
 * words. Each word is memory of its own, so that a byte read behind it is seen.
 */
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/recognise.h"

enum { KNOWS_ENVIRONMENT = 1, KNOWS_SERVERS = 2, KNOWS_STEPS = 4 };

/* Shell strings inside each other are not followed deeper by the walk; they run all the same. */
enum { SHELLS_MOST = 6 };

static void read_words(const uint8_t *data, size_t size, struct string_list *words) {
    for (size_t start = 0; start < size;) {
        const uint8_t *end = memchr(data + start, '\0', size - start);
        size_t length = end == NULL ? size - start : (size_t)(end - data) - start;
        string_list_append_owned(words, string_copy_part((const char *)data + start, length));
        start += length + 1;
    }
}

/* Whether the words, their quotes aside, name any program that serves: without one there is no
 * server. */
static bool names_a_server(const struct string_list *words) {
    static const char *const names[] = {
        "rails", "puma", "unicorn", "pitchfork", "iodine", "rackup", "falcon", "thin", "passenger"};
    AUTO_TEXT struct text plain = {.data = NULL};
    for (size_t i = 0; i < words->count; i++) {
        for (const char *byte = words->items[i]; *byte != '\0'; byte++) {
            text_append(&plain, byte, strchr("'\"\\\n", *byte) == NULL);
        }
        text_append(&plain, " ", 1);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strstr(text_string(&plain), names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* What goes before a step runs what follows it, which behind a wrapper that nobody knows is found
 * by the last rule. */
static void check_prefix(const struct context *around) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    size_t shells = 0;
    for (size_t i = 0; i < around->prefix.count; i++) {
        shells += strcmp(around->prefix.items[i], "-c") == 0;
    }
    if (shells > SHELLS_MOST) {
        return;
    }
    char *server[] = {(char[]){"./bin/rails"}, (char[]){"server"}};
    context_wrap(around, server, 2, &words);
    AUTO_RECOGNITION struct recognition recognition;
    recognise_command(&(struct recognition_request){.argv = words.items}, &recognition);
    HOLDS(recognition.kind == COMMAND_SERVER);
}

static void check(
    const struct string_list *words, const struct recognition *recognition, bool knows_servers) {
    HOLDS((recognition->kind == COMMAND_NONE) == (words->count == 0));
    HOLDS(recognition->word == 0 || recognition->word < words->count);
    HOLDS(strnlen(recognition->rule, sizeof recognition->rule) < sizeof recognition->rule);
    HOLDS(recognition->rule[0] != '\0');
    HOLDS(recognition->environment != NULL && recognition->environment[0] != '\0');
    HOLDS(recognise_source_name(recognition->environment_source)[0] != '\0');
    HOLDS(!recognition->is_step || recognition->kind == COMMAND_PREPARE);
    for (size_t i = 0; i < recognition->around.changes.count; i++) {
        const char *change = recognition->around.changes.items[i];
        HOLDS(change[0] != '\0' && change[0] != '=');
    }
    if (recognition->kind == COMMAND_SERVER && !knows_servers) {
        HOLDS(names_a_server(words));
        if (!recognition->around.is_prefix_partial) {
            check_prefix(&recognition->around);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *environment[] = {(char[]){"RAILS_ENV=production"}, (char[]){"PORT=3000"},
        (char[]){"EMPTY="}, (char[]){"USER=app"}, NULL};
    char *nothing[] = {NULL};
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    struct server_list servers = {.items = NULL};
    struct step_list steps = {.items = NULL};
    struct error error;
    uint8_t known = size > 0 ? data[0] : 0;
    if (size > 1) {
        read_words(data + 1, size - 1, &words);
    }
    HOLDS(server_list_append_joined(&servers, "bin/boot; start web", &error) == 0);
    HOLDS(step_list_append(&steps, "bundle exec rails db:prepare", &error) == 0);
    struct recognition_request request = {
        .argv = words.count == 0 ? nothing : words.items,
        .servers = (known & KNOWS_SERVERS) != 0 ? &servers : NULL,
        .steps = (known & KNOWS_STEPS) != 0 ? &steps : NULL,
        .environment = (known & KNOWS_ENVIRONMENT) != 0 ? environment : NULL,
    };
    struct recognition recognition;
    struct recognition again;
    recognise_command(&request, &recognition);
    check(&words, &recognition, (known & KNOWS_SERVERS) != 0);
    recognise_command(&request, &again);
    HOLDS(again.kind == recognition.kind && strcmp(again.rule, recognition.rule) == 0);
    recognise_release(&recognition);
    recognise_release(&again);
    server_list_release(&servers);
    step_list_release(&steps);
    return 0;
}
