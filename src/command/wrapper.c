/*
 * A wrapper's own words. They are kept for the steps as they are, and what they change is noted. A
 * word of the command must not be read as the wrapper's: only a wrapper whose table row says so
 * takes options behind its first operand.
 */
#include "command/wrapper.h"

#include <ctype.h>
#include <string.h>

#include "command/context.h"
#include "command/lexer.h"
#include "command/option.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

static bool has_style(const struct wrapper_reading *reading, unsigned style) {
    return (reading->wrapper->style & style) != 0;
}

bool wrapper_is_gem_version(const char *word) {
    size_t length = strlen(word);
    return length > 2 && word[0] == '_' && isdigit((unsigned char)word[1]) &&
        word[length - 1] == '_';
}

/* What the options of one wrapper have said. */
struct option_state {
    bool has_user;
    bool has_string;
    bool wants_shell;
    bool needs_dashes;  /* An option takes whatever follows, and no `--` has ended it. */
    size_t string_from; /* The words of the option that gave the string, which no step repeats. */
    size_t string_to;
};

static const char *environment_lookup(const void *context, const char *name) {
    (void)context;
    (void)name;
    return NULL;
}

/* The words of `env -S` take the place of those from `from` to `to`, as env itself does it. */
static bool splice_string(
    struct wrapper_reading *reading, const struct word *value, size_t from, size_t to) {
    AUTO_SENTENCE struct word_list split = {.items = NULL};
    struct lexer lexer = {.line = value->text, .dialect = LEXER_ENV, .lookup = environment_lookup};
    struct lexeme lexeme = {.kind = LEXEME_END};
    for (lexer_next(&lexer, &lexeme); lexeme.kind == LEXEME_WORD; lexer_next(&lexer, &lexeme)) {
        string_list_append(reading->owned, text_string(&lexeme.text));
        word_list_append(&split,
            &(struct word){.text = reading->owned->items[reading->owned->count - 1],
                .index = value->index,
                .is_substituted = lexeme.is_substituted || value->is_substituted,
                .is_unresolved = lexeme.is_unresolved || value->is_unresolved});
    }
    text_release(&lexeme.text);
    if (lexeme.kind != LEXEME_END) {
        return false;
    }
    word_list_splice(reading->words, from, to, split.items, split.count);
    return true;
}

/* "`doppler run`" is what is asked for the environment. */
static void ask(struct wrapper_reading *reading) {
    AUTO_TEXT struct text whom = {.data = NULL};
    text_append_string(&whom, "`");
    wrapper_describe(reading->wrapper, &whom);
    text_append_string(&whom, "`");
    context_ask(reading->around, text_string(&whom));
}

/* What an option without a value means. */
static void apply_switch(
    struct wrapper_reading *reading, char letter, struct option_state *option_state) {
    if (letter == 'I') {
        context_clear(reading->around);
    } else if (letter == 'A') {
        ask(reading);
    } else if (letter == 'L') {
        option_state->wants_shell = true;
    }
}

/* Applies what the option in the words [from, reading->at) means; false where it cannot be. */
static bool apply(struct wrapper_reading *reading, const struct option_effect *effect, size_t from,
    struct option_state *option_state) {
    const struct word *value = &effect->value;
    if (value->text == NULL) {
        apply_switch(reading, effect->letter, option_state);
        return true;
    }
    switch (effect->letter) {
    case 'U':
        context_become(reading->around, value->text);
        option_state->has_user = true;
        break;
    case 'A':
        ask(reading);
        break;
    case 'C':
        context_enter(reading->around, value->text);
        break;
    case 'N':
        if (strchr(value->text, '=') != NULL || value->text[0] == '\0') {
            return false;
        }
        context_change(reading->around, value->text);
        break;
    case 'X':
        if (option_state->has_string) {
            /* The first would be left in front of every step, which would run it. */
            return false;
        }
        reading->string = *value;
        option_state->has_string = true;
        option_state->string_from = from;
        option_state->string_to = reading->at;
        break;
    case 'S':
        if (!splice_string(reading, value, from, reading->at)) {
            return false;
        }
        reading->at = from;
        break;
    default: /* A letter of the table that says nothing here. */
        break;
    }
    return true;
}

static enum option_result read_option(
    struct wrapper_reading *reading, struct option_state *option_state) {
    struct option_reading option = {.at = reading->at};
    size_t from = reading->at;
    enum option_result result = option_read(reading->wrapper, reading->words, &option);
    reading->at = option.at;
    option_state->needs_dashes =
        result != OPTION_DASHES && (option_state->needs_dashes || option.took_several);
    if (result != OPTION_READ) {
        return result;
    }
    for (size_t i = 0; i < option.count; i++) {
        struct option_effect effect = option.effects[i];
        if (effect.value.text != NULL && effect.value.is_unresolved) {
            reading->around->is_prefix_partial = true;
            if (strchr("SX", effect.letter) != NULL) {
                return OPTION_UNKNOWN;
            }
            continue;
        }
        if (!apply(reading, &effect, from, option_state)) {
            return OPTION_UNKNOWN;
        }
    }
    return OPTION_READ;
}

/* Takes the operand of that letter; false where the word is none such. */
static bool take_operand(struct wrapper_reading *reading, char letter) {
    const struct word *word = &reading->words->items[reading->at];
    switch (letter) {
    case 'n':
        if (!word->is_substituted && !isdigit((unsigned char)word->text[0]) &&
            word->text[0] != '.') {
            return false;
        }
        break;
    case 'm':
        if (!word->is_substituted &&
            (word->text[0] == '\0' ||
                strspn(word->text, "0123456789abcdefABCDEFxX,:-") != strlen(word->text))) {
            return false;
        }
        break;
    case 'u':
        if (word->is_unresolved) {
            reading->around->is_prefix_partial = true;
        } else {
            context_become(reading->around, word->text);
        }
        break;
    default: /* `w`: any word at all. */
        break;
    }
    reading->at++;
    return true;
}

/* Behind the `--` that must come; false where none does. */
static bool skip_dashes(struct wrapper_reading *reading) {
    while (reading->at < reading->words->count) {
        if (strcmp(reading->words->items[reading->at++].text, "--") == 0) {
            return true;
        }
    }
    return false;
}

static enum wrapper_result option_failure(enum option_result result, bool is_foreign) {
    switch (result) {
    case OPTION_READ:
    case OPTION_NONE:
    case OPTION_DASHES:
        break;
    case OPTION_NOTHING:
        return WRAPPER_NOTHING;
    case OPTION_CONSOLE:
        return WRAPPER_CONSOLE;
    case OPTION_UNKNOWN:
        return is_foreign ? WRAPPER_FOREIGN : WRAPPER_LOST;
    }
    return WRAPPER_RUNS;
}

/* Options, subcommand and operands, up to where the command begins. */
static enum wrapper_result read_own_words(
    struct wrapper_reading *reading, struct option_state *option_state) {
    const struct wrapper *wrapper = reading->wrapper;
    const char *operand = wrapper->operands;
    bool wants_subcommand = wrapper->subcommands != NULL;
    bool takes_options = true;
    while (reading->at < reading->words->count) {
        const struct word *word = &reading->words->items[reading->at];
        enum option_result result = OPTION_NONE;
        if (operand[0] == '-' && !wants_subcommand) {
            return skip_dashes(reading) ? WRAPPER_RUNS : WRAPPER_LOST;
        }
        if (takes_options) {
            result = read_option(reading, option_state);
        }
        if (result == OPTION_READ) {
            continue;
        }
        if (result == OPTION_DASHES) {
            takes_options = false;
            continue;
        }
        if (result != OPTION_NONE) {
            /* rails and bundle are programs of their own, and their options are not listed here. */
            return option_failure(
                result, wants_subcommand && tables_find_program(wrapper->name) != NULL);
        }
        if (wants_subcommand) {
            if (word->is_substituted ||
                !tables_has_word(wrapper->subcommands, word->text, strlen(word->text))) {
                return WRAPPER_FOREIGN;
            }
            wants_subcommand = false;
            reading->at++;
            continue;
        }
        if (operand[0] == '\0') {
            return WRAPPER_RUNS;
        }
        bool is_optional = operand[0] == '?';
        operand += is_optional;
        if (!take_operand(reading, operand[0]) && !is_optional) {
            return WRAPPER_LOST;
        }
        operand++;
        takes_options = takes_options && has_style(reading, STYLE_INTERSPERSED);
    }
    return wants_subcommand ? WRAPPER_FOREIGN : WRAPPER_RUNS;
}

static void take_assignments(struct wrapper_reading *reading) {
    for (; reading->at < reading->words->count; reading->at++) {
        const struct word *word = &reading->words->items[reading->at];
        const char *equals = strchr(word->text, '=');
        if (equals == NULL || equals == word->text) {
            return;
        }
        if (word->is_unresolved) {
            reading->around->is_prefix_partial = true;
        } else {
            context_change(reading->around, word->text);
        }
    }
}

/* The words [from, to) go before each step, but for those of the option that gave a string. */
static void keep_for_steps(struct wrapper_reading *reading, size_t from, size_t to,
    const struct option_state *option_state) {
    struct context *around = reading->around;
    bool is_finder = has_style(reading, STYLE_FINDS);
    if (!has_style(reading, STYLE_BEFORE_STEPS) && !is_finder) {
        return;
    }
    if (has_style(reading, STYLE_OF_GEM)) {
        context_repeat_finders(around);
    }
    for (size_t i = from; i < to; i++) {
        if (option_state->has_string && i >= option_state->string_from &&
            i < option_state->string_to) {
            continue;
        }
        const struct word *word = &reading->words->items[i];
        around->is_prefix_partial =
            around->is_prefix_partial || (word->is_unresolved && !is_finder);
        string_list_append(is_finder ? &around->finders : &around->prefix, word->text);
    }
}

/*
 * su and runuser without -u: [options] [-] [user [argument…]], options anywhere. The arguments are
 * a shell's.
 */
static enum wrapper_result read_shell_words(
    struct wrapper_reading *reading, size_t from, struct option_state *option_state) {
    bool takes_options = true;
    bool has_user = false;
    keep_for_steps(reading, from, reading->at, option_state);
    while (reading->at < reading->words->count) {
        size_t start = reading->at;
        enum option_result result =
            takes_options ? read_option(reading, option_state) : OPTION_NONE;
        if (result == OPTION_DASHES) {
            takes_options = false;
        } else if (result == OPTION_READ) {
            keep_for_steps(reading, start, reading->at, option_state);
        } else if (result != OPTION_NONE) {
            return option_failure(result, false);
        } else if (has_user) {
            word_list_append(&reading->arguments, &reading->words->items[reading->at++]);
        } else {
            has_user = take_operand(reading, 'u');
            keep_for_steps(reading, start, reading->at, option_state);
        }
    }
    if (option_state->has_string) {
        if (!has_user) {
            /* Otherwise the step's own first word would be the user. */
            string_list_append(&reading->around->prefix, "root");
        }
        string_list_append(&reading->around->prefix, "-c");
        string_list_append(&reading->around->prefix, "exec \"$0\" \"$@\"");
        string_list_append(&reading->around->prefix, "--");
        return WRAPPER_STRING;
    }
    reading->around->is_prefix_partial = true;
    return reading->arguments.count == 0 ? WRAPPER_CONSOLE : WRAPPER_SHELL;
}

void wrapper_describe(const struct wrapper *wrapper, struct text *text) {
    const char *subcommand = wrapper->subcommands == NULL ? "" : wrapper->subcommands;
    text_append_format(text, "%s%s%.*s", wrapper->name, subcommand[0] == '\0' ? "" : " ",
        (int)strcspn(subcommand, " "), subcommand);
}

static enum wrapper_result read_words(
    struct wrapper_reading *reading, struct option_state *option_state) {
    size_t from = reading->at++;
    if (reading->wrapper->subcommands != NULL && reading->at < reading->words->count &&
        wrapper_is_gem_version(reading->words->items[reading->at].text)) {
        reading->at++;
    }
    enum wrapper_result result = read_own_words(reading, option_state);
    if (result != WRAPPER_RUNS) {
        return result;
    }
    reading->around->has_secrets_tool =
        reading->around->has_secrets_tool || has_style(reading, STYLE_SECRETS);
    if (has_style(reading, STYLE_ASKED)) {
        ask(reading);
    }
    if (has_style(reading, STYLE_ROOT) && !option_state->has_user) {
        context_become(reading->around, "root");
    }
    if (has_style(reading, STYLE_SHELL_WORDS) && !option_state->has_user) {
        return read_shell_words(reading, from, option_state);
    }
    if (has_style(reading, STYLE_ASSIGNMENTS)) {
        take_assignments(reading);
    }
    keep_for_steps(reading, from, reading->at, option_state);
    if (option_state->needs_dashes && !option_state->has_string &&
        has_style(reading, STYLE_BEFORE_STEPS)) {
        string_list_append(&reading->around->prefix, "--");
    }
    if (option_state->has_string) {
        if (has_style(reading, STYLE_BEFORE_STEPS)) {
            string_list_append(&reading->around->prefix, "--");
        }
        return WRAPPER_STRING;
    }
    if (has_style(reading, STYLE_JOINED) && reading->at < reading->words->count) {
        reading->string = reading->words->items[reading->at];
        reading->around->is_prefix_partial =
            !context_join(reading->around) || reading->around->is_prefix_partial;
        return WRAPPER_STRING;
    }
    if (reading->at < reading->words->count) {
        return WRAPPER_RUNS;
    }
    return option_state->wants_shell || has_style(reading, STYLE_CONSOLE) ? WRAPPER_CONSOLE
                                                                          : WRAPPER_NOTHING;
}

enum wrapper_result wrapper_read(struct wrapper_reading *reading) {
    struct option_state option_state = {.has_user = false};
    enum wrapper_result result = read_words(reading, &option_state);
    reading->is_shell = option_state.has_string ||
        (has_style(reading, STYLE_SHELL_WORDS) && !option_state.has_user);
    return result;
}
