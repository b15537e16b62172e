/*
 * The environment, directory and user around the program. Nothing here looks at this process: what
 * is not in the request is not known.
 */
#include "command/context.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"

static void list_copy(const struct string_list *from, struct string_list *to) {
    for (size_t i = 0; i < from->count; i++) {
        string_list_append(to, from->items[i]);
    }
}

static char *copy_or_null(const char *string) {
    return string == NULL ? NULL : string_copy(string);
}

/* Whether the change is one of `name`: NAME=VALUE or NAME. */
static bool is_change_of(const char *change, const char *name) {
    size_t length = strlen(name);
    return strncmp(change, name, length) == 0 && (change[length] == '=' || change[length] == '\0');
}

void context_copy(const struct context *from, struct context *to) {
    *to = (struct context){
        .is_prefix_partial = from->is_prefix_partial,
        .has_secrets_tool = from->has_secrets_tool,
        .clears_environment = from->clears_environment,
        .directory = copy_or_null(from->directory),
        .user = copy_or_null(from->user),
        .asked = copy_or_null(from->asked),
        .asked_known = copy_or_null(from->asked_known),
        .left_out = copy_or_null(from->left_out),
        .unknown = copy_or_null(from->unknown),
        .unknown_from = from->unknown_from,
        .unknown_to = from->unknown_to,
        .joins = from->joins,
    };
    memcpy(to->joined_at, from->joined_at, sizeof to->joined_at);
    list_copy(&from->finders, &to->finders);
    list_copy(&from->prefix, &to->prefix);
    list_copy(&from->changes, &to->changes);
}

void context_release(struct context *around) {
    string_list_release(&around->prefix);
    string_list_release(&around->finders);
    string_list_release(&around->changes);
    free(around->directory);
    free(around->user);
    free(around->asked);
    free(around->asked_known);
    free(around->left_out);
    free(around->unknown);
    *around = (struct context){.directory = NULL};
}

void context_copy_known(const struct context *from, struct context *known) {
    struct string_list all;
    size_t length = from->unknown_to - from->unknown_from;
    context_copy(from, known);
    if (from->unknown == NULL) {
        return;
    }
    all = known->prefix;
    known->prefix = (struct string_list){.items = NULL};
    for (size_t i = 0; i < all.count; i++) {
        if (i < from->unknown_from || i >= from->unknown_to) {
            string_list_append(&known->prefix, all.items[i]);
        }
    }
    string_list_release(&all);
    for (size_t i = 0; i < known->joins; i++) {
        known->joined_at[i] -= known->joined_at[i] >= from->unknown_to ? length : 0;
    }
    free(known->asked);
    known->asked = copy_or_null(from->asked_known);
    free(known->unknown);
    known->unknown = NULL;
    known->unknown_from = known->unknown_to = 0;
}

void context_change(struct context *around, const char *assignment) {
    string_list_append(&around->changes, assignment);
}

void context_clear(struct context *around) {
    string_list_release(&around->changes);
    around->clears_environment = true;
}

void context_enter(struct context *around, const char *directory) {
    struct text path = {.data = NULL};
    if (directory[0] != '/' && around->directory != NULL) {
        text_append_format(&path, "%s/", around->directory);
    }
    text_append_string(&path, directory);
    free(around->directory);
    around->directory = path.data;
}

void context_ask(struct context *around, const char *whom) {
    if (around->asked == NULL) {
        around->asked = string_copy(whom);
    }
    if (around->asked_known == NULL) {
        around->asked_known = string_copy(whom);
    }
}

void context_repeat_unknown(
    struct context *around, const char *whom, char *const *words, size_t count) {
    if (around->asked == NULL) {
        around->asked = string_copy(whom);
    }
    around->unknown = string_copy(whom);
    around->unknown_from = around->prefix.count;
    context_repeat_finders(around);
    for (size_t i = 0; i < count; i++) {
        context_repeat(around, words[i]);
    }
    around->unknown_to = around->prefix.count;
}

void context_repeat(struct context *around, const char *word) {
    string_list_append(&around->prefix, word);
}

void context_repeat_finders(struct context *around) {
    list_copy(&around->finders, &around->prefix);
    string_list_release(&around->finders);
}

bool context_join(struct context *around) {
    if (around->joins == ARRAY_LENGTH(around->joined_at)) {
        return false;
    }
    around->joined_at[around->joins++] = around->prefix.count;
    return true;
}

void context_wrap(
    const struct context *around, char *const *words, size_t count, struct string_list *wrapped) {
    AUTO_STRING_LIST struct string_list all = {.items = NULL};
    list_copy(&around->prefix, &all);
    for (size_t i = 0; i < count; i++) {
        string_list_append(&all, words[i]);
    }
    for (size_t i = around->joins; i > 0; i--) {
        size_t from = around->joined_at[i - 1];
        struct text line = {.data = NULL};
        words_join(all.items + from, all.count - from, &line);
        while (all.count > from) {
            free(all.items[--all.count]);
            all.items[all.count] = NULL;
        }
        string_list_append_owned(
            &all, line.data == NULL ? string_copy("") : take_pointer(&line.data));
    }
    list_copy(&all, wrapped);
}

void context_become(struct context *around, const char *user) {
    free(around->user);
    around->user = string_copy(user);
}

const char *context_variable(
    const struct context *around, char *const environment[], const char *name) {
    for (size_t i = around->changes.count; i > 0; i--) {
        const char *change = around->changes.items[i - 1];
        if (is_change_of(change, name)) {
            const char *equals = strchr(change, '=');
            return equals == NULL ? NULL : equals + 1;
        }
    }
    if (environment == NULL || around->clears_environment) {
        return NULL;
    }
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (is_change_of(environment[i], name) && strchr(environment[i], '=') != NULL) {
            return strchr(environment[i], '=') + 1;
        }
    }
    return NULL;
}
