/*
 * The text of a shell string up to its server. Only a shell's own commands can change its
 * environment, directory and limits, so every other program in it becomes a `:`, which keeps the
 * grammar around it. Such a program has run once for the command, and must not run again for a
 * question or a step. A server inside a block that is still open cannot be cut off, and the shell's
 * own arguments are not those of the steps.
 */
#include "command/shell_setup.h"

#include <string.h>

#include "command/context.h"
#include "command/tables.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/path.h"
#include "signalbox/base/secret.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

enum { PART_SHOWN_MOST = 80, TEXT_PER_EFFORT = 64 };

/* Whether the shell's own words make it read its user's files first: -l, -i. */
static bool is_login(const struct shell_call *call) {
    for (size_t i = call->from + 1; i < call->to; i++) {
        const char *word = call->words->items[i].text;
        if (strcmp(word, "--login") == 0 ||
            (word[0] == '-' && word[1] != '-' && strpbrk(word, "li") != NULL)) {
            return true;
        }
    }
    return false;
}

void shell_setup_begin(
    struct setup *setup, const struct shell_call *call, const struct context *around) {
    bool reads_files = is_login(call);
    *setup = (struct setup){.call = call,
        .is_needed = reads_files,
        .is_login = reads_files,
        .prefix_count = around->prefix.count,
        .was_partial = around->is_prefix_partial};
}

/* The shell's own words that change nothing by themselves, but that others may hang on. */
static bool is_kept(const struct word_list *words, size_t at) {
    static const char kept[] =
        ". source eval read echo printf true false test [ sleep pwd exit return break continue";
    const char *name = words->items[at].text;
    return tables_has_word(kept, name, strlen(name)) ||
        (strcmp(name, "exec") == 0 && at + 1 == words->count);
}

/* Programs without which every step does as well. */
static bool is_missed_by_nobody(const char *name) {
    static const char names[] =
        "rm mkdir touch date ls id whoami hostname uname chmod chown stty which cat wait kill nc "
        "pg_isready alias hash";
    return tables_has_word(names, name, strlen(name));
}

static void note_left_out(struct setup *setup, const struct script *script, const char *name) {
    const char *part = script->lexer.line + script->command_at;
    size_t length = script->command_end - script->command_at;
    bool is_beside = strcmp(text_string(&script->lexeme.text), "&") == 0;
    if (setup->left_out != NULL || is_beside || is_missed_by_nobody(path_base_name(name))) {
        return;
    }
    AUTO_FREE char *plain = string_copy_part(part, length);
    AUTO_TEXT struct text masked = {.data = NULL};
    AUTO_TEXT struct text shown = {.data = NULL};
    secret_mask(plain, &masked);
    text_append_format(&shown, "%.*s%s", PART_SHOWN_MOST, text_string(&masked),
        masked.length > PART_SHOWN_MOST ? "…" : "");
    setup->left_out = take_pointer(&shown.data);
}

void shell_setup_pass(struct setup *setup, const struct script *script,
    const struct word_list *words, size_t at, enum command_kind kind) {
    if (is_kept(words, at)) {
        return;
    }
    text_append(&setup->text, script->lexer.line + setup->taken, script->command_at - setup->taken);
    text_append_string(&setup->text, ":");
    setup->taken = script->command_end;
    if (kind == COMMAND_OTHER) {
        note_left_out(setup, script, words->items[at].text);
    }
}

/* $1, "$@" and their like are the command's. */
static bool uses_arguments(const char *text) {
    for (const char *at = strchr(text, '$'); at != NULL; at = strchr(at + 1, '$')) {
        const char *next = at[1] == '{' ? at + 2 : at + 1;
        if (*next != '\0' && strchr("123456789@*#", *next) != NULL) {
            return true;
        }
    }
    return false;
}

/* The words that call the shell, up to its string. */
static void repeat_shell(const struct setup *setup, struct context *around) {
    const struct shell_call *call = setup->call;
    if (call->from == call->to) {
        context_repeat(around, "sh");
        context_repeat(around, "-c");
    }
    for (size_t i = call->from; i < call->to; i++) {
        around->is_prefix_partial =
            around->is_prefix_partial || call->words->items[i].is_unresolved;
        context_repeat(around, call->words->items[i].text);
    }
}

static void forget_words(const struct setup *setup, struct context *around) {
    struct string_list *prefix = &around->prefix;
    while (prefix->count > setup->prefix_count) {
        free(prefix->items[--prefix->count]);
        prefix->items[prefix->count] = NULL;
    }
}

bool shell_setup_repeat(struct setup *setup, const struct script *script, struct resolver *resolver,
    struct context *around) {
    const struct shell_call *call = setup->call;
    AUTO_TEXT struct text text = {.data = NULL};
    if (setup->left_out != NULL && around->left_out == NULL) {
        around->left_out = string_copy(setup->left_out);
    }
    if (!setup->is_needed) {
        return false;
    }
    size_t cost = 1 + script->program_at / TEXT_PER_EFFORT;
    resolver->effort -= cost < resolver->effort ? cost : resolver->effort;
    text_append(&text, text_string(&setup->text), setup->text.length);
    text_append(&text, script->lexer.line + setup->taken, script->program_at - setup->taken);
    if (setup->has_tasks || script->depth != 0 || !script->has_arguments ||
        uses_arguments(text_string(&text))) {
        around->is_prefix_partial = true;
        return false;
    }
    text_append_string(&text, "exec \"$@\"");
    forget_words(setup, around);
    around->is_prefix_partial = setup->was_partial;
    repeat_shell(setup, around);
    context_repeat(around, text_string(&text));
    const struct word_list *words = call->words;
    bool has_name = words->count > call->first_argument;
    context_repeat(around,
        has_name                    ? words->items[call->first_argument].text
            : call->from < call->to ? words->items[call->from].text
                                    : "sh");
    context_ask(around,
        setup->is_login ? "the login shell" : "what the shell string sets up before the server");
    return true;
}

void shell_setup_release(struct setup *setup) {
    text_release(&setup->text);
    free(setup->left_out);
}
