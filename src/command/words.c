/*
 * Splitting for --step and --server, and the way back. The lexer does the reading; here its words
 * are kept only when all of the line was nothing but words.
 */
#include "signalbox/command/words.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "command/lexer.h"

enum words_result words_split(const char *line, struct string_list *words, size_t *offset) {
    AUTO_STRING_LIST struct string_list found = {.items = NULL};
    struct lexer lexer = {.line = line, .dialect = LEXER_WORDS};
    struct lexeme lexeme = {.kind = LEXEME_END};
    for (lexer_next(&lexer, &lexeme); lexeme.kind == LEXEME_WORD; lexer_next(&lexer, &lexeme)) {
        string_list_append(&found, text_string(&lexeme.text));
    }
    text_release(&lexeme.text);
    if (lexeme.kind == LEXEME_OPEN) {
        *offset = lexer.at;
        return WORDS_OPEN_QUOTE;
    }
    if (lexeme.kind != LEXEME_END) {
        *offset = lexeme.offset;
        return WORDS_SHELL_SYNTAX;
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

size_t words_assignment_length(const char *word) {
    size_t length = 0;
    if (!isalpha((unsigned char)word[0]) && word[0] != '_') {
        return 0;
    }
    while (isalnum((unsigned char)word[length]) || word[length] == '_') {
        length++;
    }
    return word[length] == '=' ? length : 0;
}
