/*
 * The splitter for --step. It keeps the three kinds of quoting apart in one pass over the bytes.
 * The trap: a character that a shell would act on must be an error when it stands unquoted, since
 * a step that silently lost its redirection or its pipe would still "succeed".
 */
#include "signalbox/command/words.h"

#include <stdbool.h>
#include <string.h>

/* Characters that make a shell do something else than build a word (POSIX 2.2). */
static bool is_shell_syntax(const char *line, size_t at, bool at_word_start) {
    char byte = line[at];
    if (strchr(";&|<>()$`*?[\n", byte) != NULL) {
        return true;
    }
    return at_word_start && (byte == '#' || byte == '~');
}

struct splitter {
    const char *line;
    size_t at;
    struct text word;
    bool in_word; /* An empty pair of quotes is a word too. */
};

static enum words_result take_single_quoted(struct splitter *splitter) {
    const char *start = splitter->line + splitter->at + 1;
    const char *end = strchr(start, '\'');
    if (end == NULL) {
        return WORDS_OPEN_QUOTE;
    }
    text_append(&splitter->word, start, (size_t)(end - start));
    splitter->at = (size_t)(end - splitter->line) + 1;
    return WORDS_OK;
}

static enum words_result take_double_quoted(struct splitter *splitter) {
    size_t at = splitter->at + 1;
    while (splitter->line[at] != '"') {
        char byte = splitter->line[at];
        if (byte == '\0') {
            return WORDS_OPEN_QUOTE;
        }
        if (byte == '$' || byte == '`') {
            splitter->at = at;
            return WORDS_SHELL_SYNTAX;
        }
        /* Inside double quotes a backslash quotes only these four. */
        if (byte == '\\' && splitter->line[at + 1] != '\0' &&
            strchr("$`\"\\", splitter->line[at + 1]) != NULL) {
            byte = splitter->line[++at];
        }
        text_append(&splitter->word, &byte, 1);
        at++;
    }
    splitter->at = at + 1;
    return WORDS_OK;
}

static void finish_word(struct splitter *splitter, struct string_list *words) {
    if (splitter->in_word) {
        string_list_append(words, text_string(&splitter->word));
        text_release(&splitter->word);
        splitter->in_word = false;
    }
}

static enum words_result split_on(struct splitter *splitter, struct string_list *words) {
    while (splitter->line[splitter->at] != '\0') {
        char byte = splitter->line[splitter->at];
        enum words_result result = WORDS_OK;
        if (byte == ' ' || byte == '\t') {
            finish_word(splitter, words);
            splitter->at++;
            continue;
        }
        if (byte == '\'') {
            result = take_single_quoted(splitter);
        } else if (byte == '"') {
            result = take_double_quoted(splitter);
        } else if (byte == '\\') {
            byte = splitter->line[splitter->at + 1];
            if (byte == '\0') {
                return WORDS_OPEN_QUOTE;
            }
            text_append(&splitter->word, &byte, 1);
            splitter->at += 2;
        } else if (is_shell_syntax(splitter->line, splitter->at, !splitter->in_word)) {
            return WORDS_SHELL_SYNTAX;
        } else {
            text_append(&splitter->word, &byte, 1);
            splitter->at++;
        }
        if (result != WORDS_OK) {
            return result;
        }
        splitter->in_word = true;
    }
    finish_word(splitter, words);
    return WORDS_OK;
}

enum words_result words_split(const char *line, struct string_list *words, size_t *offset) {
    AUTO_STRING_LIST struct string_list found = {.items = NULL};
    struct splitter splitter = {.line = line};
    enum words_result result = split_on(&splitter, &found);
    text_release(&splitter.word);
    if (result != WORDS_OK) {
        *offset = splitter.at;
        return result;
    }
    for (size_t i = 0; i < found.count; i++) {
        string_list_append_owned(words, take_pointer(&found.items[i]));
    }
    return WORDS_OK;
}

void words_join(char *const *words, size_t count, struct text *line) {
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i];
        if (i > 0) {
            text_append_string(line, " ");
        }
        bool plain = word[0] != '\0' &&
            strspn(word,
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                "0123456789_@%+=:,./-") == strlen(word);
        if (plain) {
            text_append_string(line, word);
            continue;
        }
        text_append_string(line, "'");
        for (const char *byte = word; *byte != '\0'; byte++) {
            if (*byte == '\'') {
                text_append_string(line, "'\\''");
            } else {
                text_append(line, byte, 1);
            }
        }
        text_append_string(line, "'");
    }
}
