/*
 * Shell strings, cut into simple commands. It is no shell: it finds what may be run, not what will
 * be run. Some words in command position are no commands: the patterns of a `case`, the inside of
 * `[[ … ]]` and `(( … ))`, the name of a function.
 */
#include "command/shell.h"

#include <ctype.h>
#include <string.h>

#include "command/context.h"
#include "command/tables.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"
#include "signalbox/command/words.h"

static const char skipped_keywords[] = "! if then elif else do while until { } fi done";
static const char opening_keywords[] = "if while until {";
static const char closing_keywords[] = "} fi done";
static const char looping_keywords[] = "while until";

/* Whether it has a short option of that letter, in a cluster or alone. */
static size_t count_letter(const char *word, char letter) {
    size_t count = 0;
    for (const char *at = word + 1; *at != '\0'; at++) {
        count += *at == letter;
    }
    return count;
}

enum shell_result shell_read(const struct word_list *words, size_t *at) {
    bool is_string = false;
    bool reads_input = false;
    for (; *at < words->count; (*at)++) {
        const struct word *word = &words->items[*at];
        const char *text = word->text;
        if (text[0] != '-' && text[0] != '+') {
            break;
        }
        if (word->is_substituted) {
            return SHELL_LOST;
        }
        if (strcmp(text, "-") == 0 || strcmp(text, "--") == 0) {
            (*at)++;
            break;
        }
        if (strncmp(text, "--", 2) == 0) {
            if (strcmp(text, "--help") == 0 || strcmp(text, "--version") == 0) {
                return SHELL_NOTHING;
            }
            *at += strcmp(text, "--rcfile") == 0 || strcmp(text, "--init-file") == 0;
            continue;
        }
        is_string = is_string || (text[0] == '-' && count_letter(text, 'c') > 0);
        reads_input = reads_input || (text[0] == '-' && count_letter(text, 's') > 0);
        *at += count_letter(text, 'o') + count_letter(text, 'O');
    }
    if (*at >= words->count || (reads_input && !is_string)) {
        return is_string ? SHELL_NOTHING : SHELL_CONSOLE;
    }
    return is_string ? SHELL_STRING : SHELL_SCRIPT;
}

bool shell_ends_on_failure(const struct word_list *words, size_t from, size_t to) {
    for (size_t at = from; at < to; at++) {
        const char *text = words->items[at].text;
        bool is_cluster = text[0] == '-' && text[1] != '-';
        if ((is_cluster && count_letter(text, 'e') > 0) || strcmp(text, "errexit") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *const forms[], size_t count, const char *raw, size_t length) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(forms[i]) == length && memcmp(forms[i], raw, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The word as it was written: all arguments, in one of the forms that keep them apart. */
static bool is_all_arguments(const char *raw, size_t length) {
    static const char *const forms[] = {"\"$@\"", "\"${@}\"", "$@", "${@}", "$*", "${*}"};
    return is_one_of(forms, sizeof forms / sizeof forms[0], raw, length);
}

/* The N of `$N`, alone in its word, or -1. */
static int argument_number(const char *raw, size_t length) {
    bool is_quoted = length > 2 && raw[0] == '"' && raw[length - 1] == '"';
    raw += is_quoted;
    length -= is_quoted ? 2 : 0;
    if (length == 2 && raw[0] == '$' && isdigit((unsigned char)raw[1])) {
        return raw[1] - '0';
    }
    if (length == 4 && raw[0] == '$' && raw[1] == '{' && isdigit((unsigned char)raw[2]) &&
        raw[3] == '}') {
        return raw[2] - '0';
    }
    return -1;
}

static void append(
    const struct script *script, struct word_list *word_list, const struct word *word) {
    if (word_list->count < script->words_most) {
        word_list_append(word_list, word);
    }
}

/* Where the command and its program begin in the string. */
static void note_place(struct script *script, bool is_first) {
    if (is_first) {
        script->command_at = script->lexeme.offset;
        script->depth = script->open_blocks + (int)script->open_cases;
        script->is_assigning = true;
    }
    if (script->is_assigning) {
        script->program_at = script->lexeme.offset;
        script->is_assigning = words_assignment_length(text_string(&script->lexeme.text)) > 0;
    }
}

/* Puts the current word into the command, or the arguments that it stands for. */
static void take_word(struct script *script, struct word_list *word_list) {
    const char *raw = script->lexer.line + script->lexeme.offset;
    size_t length = script->lexer.at - script->lexeme.offset;
    const struct word_list *arguments = script->arguments;
    size_t first = script->first_argument;
    if (word_list->count == 0) {
        script->follows_anyway = script->is_next_anyway;
        script->is_next_anyway = false;
    }
    size_t count = arguments->count > first ? arguments->count - first : 0;
    note_place(script, word_list->count == 0);
    if (script->has_arguments && is_all_arguments(raw, length)) {
        for (size_t i = 1; i < count; i++) {
            append(script, word_list, &arguments->items[first + i]);
        }
        return;
    }
    int number = argument_number(raw, length);
    if (number >= 0 && (size_t)number < count && (script->has_arguments || number == 0)) {
        append(script, word_list, &arguments->items[first + (size_t)number]);
        return;
    }
    if (script->lexeme.text.length == 0 && !script->lexeme.is_quoted) {
        return; /* An empty expansion is no word at all. */
    }
    string_list_append(script->owned, text_string(&script->lexeme.text));
    append(script, word_list,
        &(struct word){.text = script->owned->items[script->owned->count - 1],
            .index = script->index,
            .is_substituted = script->lexeme.is_substituted,
            .is_unresolved = script->lexeme.is_unresolved});
}

static bool is_word(const struct script *script, const char *word) {
    return script->lexeme.kind == LEXEME_WORD && !script->lexeme.is_quoted &&
        !script->lexeme.is_substituted && strcmp(text_string(&script->lexeme.text), word) == 0;
}

static bool is_operator(const struct script *script, const char *operator) {
    return script->lexeme.kind == LEXEME_OPERATOR &&
        strcmp(text_string(&script->lexeme.text), operator) == 0;
}

static bool is_over(const struct script *script) {
    return script->lexeme.kind == LEXEME_END || script->lexeme.kind == LEXEME_OPEN;
}

/* Passes over everything up to and including the word. */
static void skip_to_word(struct script *script, const char *word) {
    while (!is_over(script) && !is_word(script, word)) {
        lexer_next(&script->lexer, &script->lexeme);
    }
}

/* `((` has been seen: up to the `))`. */
static void skip_arithmetic(struct script *script) {
    while (!is_over(script)) {
        if (is_operator(script, ")") && script->lexer.line[script->lexer.at] == ')') {
            lexer_next(&script->lexer, &script->lexeme);
            return;
        }
        lexer_next(&script->lexer, &script->lexeme);
    }
}

/* `(`, `)` and `&&` hand a failure on. */
static void note_joint(struct script *script) {
    if (is_operator(script, "\n") || string_has_prefix(text_string(&script->lexeme.text), ";")) {
        script->is_next_anyway = true;
    } else if (!is_operator(script, "&&") && !is_operator(script, "(") &&
        !is_operator(script, ")")) {
        script->ends_anyway = true;
    }
}

/* A word where a command would begin: true where it is the shell's own and has been dealt with. */
static bool take_keyword(struct script *script) {
    const char *text = text_string(&script->lexeme.text);
    if (script->lexeme.is_quoted || script->lexeme.is_substituted) {
        return false;
    }
    if (strcmp(text, "case") == 0) {
        skip_to_word(script, "in");
        script->open_cases++;
        script->in_pattern = true;
        script->ends_anyway = true;
        return true;
    }
    if (strcmp(text, "esac") == 0) {
        script->open_cases -= script->open_cases > 0;
        return true;
    }
    if (strcmp(text, "[[") == 0) {
        skip_to_word(script, "]]");
        return true;
    }
    if (strcmp(text, "function") == 0) {
        lexer_next(&script->lexer, &script->lexeme);
        return true;
    }
    bool is_keyword = tables_has_word(skipped_keywords, text, strlen(text));
    script->may_go_on = script->may_go_on || tables_has_word(looping_keywords, text, strlen(text));
    script->open_blocks += tables_has_word(opening_keywords, text, strlen(text));
    script->open_blocks -= tables_has_word(closing_keywords, text, strlen(text));
    script->ends_anyway =
        script->ends_anyway || (is_keyword && strcmp(text, "{") != 0 && strcmp(text, "}") != 0);
    return is_keyword;
}

static void take_pattern(struct script *script) {
    if (is_operator(script, ")")) {
        script->in_pattern = false;
    } else if (is_word(script, "esac")) {
        script->in_pattern = false;
        script->open_cases -= script->open_cases > 0;
    }
}

/* An operator; true where it ends a command that has words. */
static bool take_operator(struct script *script, struct word_list *word_list) {
    note_joint(script);
    script->may_go_on = script->may_go_on || is_operator(script, "&");
    script->open_blocks -= is_operator(script, ")");
    if (is_operator(script, "(")) {
        script->open_blocks++;
        if (word_list->count == 0 && script->lexer.line[script->lexer.at] == '(') {
            skip_arithmetic(script);
            script->open_blocks--;
            return false;
        }
        /* name(): what follows is its body; or bash's `for ((`. */
        if (word_list->count == 1) {
            script->may_go_on = script->may_go_on || strcmp(word_list->items[0].text, "for") == 0;
            script->ends_anyway = true;
            word_list->count = 0;
            return false;
        }
    }
    if (script->open_cases > 0 && string_has_prefix(text_string(&script->lexeme.text), ";") &&
        !is_operator(script, ";")) {
        script->in_pattern = true;
    }
    return word_list->count > 0;
}

enum script_result shell_next_command(struct script *script, struct word_list *word_list) {
    word_list->count = 0;
    for (;;) {
        lexer_next(&script->lexer, &script->lexeme);
        script->command_end = script->lexeme.offset;
        if (script->lexeme.kind == LEXEME_OPEN) {
            return SCRIPT_BROKEN;
        }
        if (script->lexeme.kind == LEXEME_END) {
            return word_list->count > 0 ? SCRIPT_COMMAND : SCRIPT_END;
        }
        if (script->in_pattern) {
            take_pattern(script);
        } else if (script->lexeme.kind == LEXEME_OPERATOR) {
            if (take_operator(script, word_list)) {
                return SCRIPT_COMMAND;
            }
        } else if (script->lexeme.kind == LEXEME_REDIRECTION) {
            const char *operator= text_string(&script->lexeme.text);
            if (strncmp(operator, "<<", 2) == 0 && strcmp(operator, "<<<") != 0) {
                return SCRIPT_BROKEN;
            }
            lexer_next(&script->lexer, &script->lexeme);
            if (script->lexeme.kind != LEXEME_WORD) {
                return SCRIPT_BROKEN;
            }
        } else if (word_list->count > 0 || !take_keyword(script)) {
            take_word(script, word_list);
        }
    }
}

void shell_script_release(struct script *script) {
    text_release(&script->lexeme.text);
}
