/*
 * Reading any words as options and any variables: a refusal has its status and a reason, the
 * command is the end of the words, every value can be described, and the password is in none of it.
 */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/cli/options.h"

static const char password[] = "hunter2hunter2";
static const char secret[] = "SIGNALBOX_DATABASE_URL=postgres://u:hunter2hunter2@h/x";

static void check_read(const struct options *options, const struct string_list *words) {
    HOLDS(options->command >= words->items && options->command <= words->items + words->count);
    HOLDS(options->steps.count > 0);
    HOLDS(options->grace_ms >= 0 && options->wait_timeout_ms >= 0);
    for (size_t i = 0; i < options_count(); i++) {
        struct option_description option = options_describe(options, i);
        HOLDS(option.value.length > 0);
        HOLDS(strstr(text_string(&option.value), password) == NULL);
        HOLDS(strcmp(options_source(options, option.flag), option.source) == 0);
        text_release(&option.value);
    }
    for (size_t i = 0; i < options->unknown_variables.count; i++) {
        HOLDS(strstr(options->unknown_variables.items[i], password) == NULL);
    }
}

/* Whether the bytes could be the password once quotes and the like are taken out of them. */
static bool could_name_the_password(const uint8_t *data, size_t size) {
    AUTO_TEXT struct text letters = {.data = NULL};
    for (size_t i = 0; i < size; i++) {
        if (isalnum(data[i])) {
            text_append(&letters, (const char *)&data[i], 1);
        }
    }
    return strstr(text_string(&letters), password) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_STRING_LIST struct string_list words = {.items = NULL};
    AUTO_STRING_LIST struct string_list variables = {.items = NULL};
    AUTO_FREE char *text = string_copy_part((const char *)data, size);
    if (could_name_the_password(data, size)) {
        /* What somebody writes elsewhere is no secret of the option that holds it. */
        return 0;
    }
    struct options options;
    struct error error = {.text = ""};
    string_list_append(&words, "signalbox");
    for (size_t at = 0; at < size; at += strlen(text + at) + 1) {
        string_list_append(
            string_has_prefix(text + at, "SIGNALBOX_") ? &variables : &words, text + at);
    }
    string_list_append(&variables, secret);
    if (options_read(words.items, variables.items, &options, &error) == 0) {
        check_read(&options, &words);
    } else {
        HOLDS(error.exit_status == 64);
        HOLDS(error.text[0] != '\0');
        HOLDS(strstr(error.text, password) == NULL);
    }
    options_release(&options);
    return 0;
}
