/*
 * Words, operators and redirections from one line. It keeps the three kinds of quoting apart in one
 * pass over the bytes and never reads past the NUL.
 * The trap: a character on which a shell would act must not pass as a part of a word. A step that
 * silently lost its redirection or its pipe would still "succeed", and a `&` inside a word would
 * hide a server.
 */
#include "command/lexer.h"

#include <ctype.h>
#include <string.h>

#include "command/substitution.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

/* What ends an unquoted word in the shell's grammar. */
static bool ends_word(const struct lexer *lexer, char byte) {
    if (byte == '\0' || is_blank(byte)) {
        return true;
    }
    if (lexer->dialect == LEXER_ENV) {
        return strchr("\n\r\f\v", byte) != NULL;
    }
    return strchr(";&|<>()\n", byte) != NULL;
}

/* Patterns and a tilde make other words than the ones that stand there. */
static bool is_refused(const struct lexer *lexer, size_t word_start) {
    char byte = lexer->line[lexer->at];
    if (lexer->dialect != LEXER_WORDS) {
        return false;
    }
    return strchr("$`*?[", byte) != NULL ||
        (lexer->at == word_start && (byte == '#' || byte == '~'));
}

static enum lexeme_kind take_single_quoted(struct lexer *lexer, struct lexeme *lexeme) {
    const char *start = lexer->line + lexer->at + 1;
    const char *end = strchr(start, '\'');
    if (end == NULL) {
        return LEXEME_OPEN;
    }
    text_append(&lexeme->text, start, (size_t)(end - start));
    lexer->at = (size_t)(end - lexer->line) + 1;
    return LEXEME_WORD;
}

/* The byte that `\x` means to env -S. */
static char env_escape(char byte) {
    static const char escapes[] = "f\fn\nr\rt\tv\v_ ";
    const char *found = strchr(escapes, byte);
    if (found != NULL && (found - escapes) % 2 == 0) {
        return found[1];
    }
    return byte;
}

/* A backslash. Inside double quotes it quotes only `special`; before a newline both vanish. */
static enum lexeme_kind take_escaped(
    struct lexer *lexer, struct lexeme *lexeme, const char *special) {
    char byte = lexer->line[lexer->at + 1];
    if (byte == '\0') {
        return LEXEME_OPEN;
    }
    if (lexer->dialect == LEXER_ENV) {
        byte = env_escape(byte);
        text_append(&lexeme->text, &byte, 1);
    } else if (byte != '\n') {
        if (special != NULL && strchr(special, byte) == NULL) {
            text_append(&lexeme->text, "\\", 1);
        }
        text_append(&lexeme->text, &byte, 1);
    }
    lexer->at += 2;
    return LEXEME_WORD;
}

static enum lexeme_kind take_substitution(struct lexer *lexer, struct lexeme *lexeme) {
    if (lexer->dialect == LEXER_WORDS) {
        lexeme->offset = lexer->at;
        return LEXEME_REFUSED;
    }
    return substitution_take(lexer, lexeme) ? LEXEME_WORD : LEXEME_OPEN;
}

static enum lexeme_kind take_double_quoted(struct lexer *lexer, struct lexeme *lexeme) {
    size_t start = lexer->at++;
    while (lexer->line[lexer->at] != '"') {
        enum lexeme_kind kind = LEXEME_WORD;
        char byte = lexer->line[lexer->at];
        if (byte == '\0') {
            lexer->at = start;
            return LEXEME_OPEN;
        }
        if (byte == '$' || byte == '`') {
            kind = take_substitution(lexer, lexeme);
        } else if (byte == '\\') {
            kind = take_escaped(lexer, lexeme, "$`\"\\");
        } else {
            text_append(&lexeme->text, &byte, 1);
            lexer->at++;
        }
        if (kind != LEXEME_WORD) {
            return kind;
        }
    }
    lexer->at++;
    return LEXEME_WORD;
}

/* bash's $'…', in which a backslash quotes the quote. What it stands for is left to bash. */
static enum lexeme_kind take_escaped_quote(struct lexer *lexer, struct lexeme *lexeme) {
    size_t end = lexer->at + 2;
    while (lexer->line[end] != '\0' && lexer->line[end] != '\'') {
        end += lexer->line[end] == '\\' && lexer->line[end + 1] != '\0' ? 2 : 1;
    }
    if (lexer->line[end] == '\0') {
        return LEXEME_OPEN;
    }
    lexeme->is_substituted = lexeme->is_unresolved = true;
    text_append(&lexeme->text, lexer->line + lexer->at, end + 1 - lexer->at);
    lexer->at = end + 1;
    return LEXEME_WORD;
}

static enum lexeme_kind take_word(struct lexer *lexer, struct lexeme *lexeme) {
    size_t start = lexer->at;
    enum lexeme_kind kind = LEXEME_WORD;
    while (kind == LEXEME_WORD && !ends_word(lexer, lexer->line[lexer->at])) {
        char byte = lexer->line[lexer->at];
        char next = lexer->line[lexer->at + 1];
        if (is_refused(lexer, start)) {
            lexeme->offset = lexer->at;
            return LEXEME_REFUSED;
        }
        if (byte == '$' && next == '"') {
            /* It may be translated: the quote alone is read, the word is not known. */
            lexeme->is_substituted = lexeme->is_unresolved = true;
            byte = next;
            lexer->at++;
        }
        if (byte == '\'' || byte == '"' || byte == '\\') {
            lexeme->is_quoted = true;
        }
        if (byte == '$' && next == '\'') {
            kind = take_escaped_quote(lexer, lexeme);
        } else if (byte == '\'') {
            kind = take_single_quoted(lexer, lexeme);
        } else if (byte == '"') {
            kind = take_double_quoted(lexer, lexeme);
        } else if (lexer->dialect == LEXER_ENV && byte == '\\' && next == '_') {
            lexer->at += 2;
            return LEXEME_WORD;
        } else if (byte == '\\') {
            kind = take_escaped(lexer, lexeme, NULL);
        } else if (byte == '$' || byte == '`') {
            kind = take_substitution(lexer, lexeme);
        } else {
            text_append(&lexeme->text, &byte, 1);
            lexer->at++;
        }
    }
    return kind;
}

static bool take_longest(
    struct lexer *lexer, struct lexeme *lexeme, const char *const operators[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (string_has_prefix(lexer->line + lexer->at, operators[i])) {
            text_append_string(&lexeme->text, operators[i]);
            lexer->at += strlen(operators[i]);
            return true;
        }
    }
    return false;
}

/* [n]<, [n]>, and bash's &>; a process substitution, <(…), is a word. */
static enum lexeme_kind take_redirection(struct lexer *lexer, struct lexeme *lexeme) {
    static const char *const operators[] = {
        "&>>", "&>", "<<<", "<<-", "<<", "<>", "<&", "<", ">>", ">|", ">&", ">"};
    size_t digits = strspn(lexer->line + lexer->at, "0123456789");
    const char *sign = lexer->line + lexer->at + digits;
    if (sign[0] != '<' && sign[0] != '>' && !(digits == 0 && sign[0] == '&' && sign[1] == '>')) {
        return LEXEME_END;
    }
    lexer->at += digits;
    lexeme->offset = lexer->at;
    if (sign[1] == '(' && digits == 0 && lexer->dialect == LEXER_SHELL) {
        return take_substitution(lexer, lexeme);
    }
    return take_longest(lexer, lexeme, operators, sizeof operators / sizeof operators[0])
        ? LEXEME_REDIRECTION
        : LEXEME_END;
}

static enum lexeme_kind take_operator(struct lexer *lexer, struct lexeme *lexeme) {
    static const char *const operators[] = {
        "&&", "||", "|&", ";;&", ";;", ";&", ";", "&", "|", "(", ")", "\n"};
    return take_longest(lexer, lexeme, operators, sizeof operators / sizeof operators[0])
        ? LEXEME_OPERATOR
        : LEXEME_END;
}

static void skip_blanks(struct lexer *lexer) {
    for (;;) {
        const char *rest = lexer->line + lexer->at;
        if (is_blank(rest[0]) ||
            (lexer->dialect == LEXER_ENV && rest[0] != '\0' &&
                strchr("\n\r\f\v", rest[0]) != NULL)) {
            lexer->at++;
        } else if (rest[0] == '\\' && rest[1] == (lexer->dialect == LEXER_ENV ? '_' : '\n')) {
            lexer->at += 2;
        } else if (lexer->dialect != LEXER_WORDS && rest[0] == '#') {
            lexer->at += strcspn(rest, "\n");
        } else {
            return;
        }
    }
}

void lexer_next(struct lexer *lexer, struct lexeme *lexeme) {
    text_release(&lexeme->text);
    *lexeme = (struct lexeme){.kind = LEXEME_END};
    skip_blanks(lexer);
    lexeme->offset = lexer->at;
    if (lexer->line[lexer->at] == '\0') {
        return;
    }
    if (lexer->dialect != LEXER_ENV) {
        lexeme->kind = take_redirection(lexer, lexeme);
        if (lexeme->kind == LEXEME_END) {
            lexeme->kind = take_operator(lexer, lexeme);
        }
    }
    if (lexeme->kind == LEXEME_END) {
        lexeme->kind = take_word(lexer, lexeme);
    } else if (lexer->dialect == LEXER_WORDS) {
        lexeme->kind = LEXEME_REFUSED;
    }
}
