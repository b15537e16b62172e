/*
 * The words of an expression: what stands at a place in the code and how to get past it.
 */
#ifndef DATABASE_SCANNER_H
#define DATABASE_SCANNER_H

#include "database/expression.h"
#include "database/reading.h"
#include "database/ruby.h"
#include "signalbox/base/text.h"

enum { NAME_MOST = 64 };

struct scanner {
    const char *at;
    const char *end;
    const struct ruby_scope *scope;
    int dead;
    int nesting;
    const char *url_name; /* In a block that has a URL, the block's name for it, … */
    const char *url_path; /* … and its path. */
    enum reading reading;
    struct reading_note *reading_note;
};

/* What may stand between two words: within a line, or wherever Ruby expects more. */
#define IN_LINE " \t"
#define ACROSS_LINES " \t\r\n"

/* Notes that the code is not read here; nil. */
struct ruby_value scanner_unclear(struct scanner *scanner);
bool scanner_is_well(const struct scanner *scanner);

/* The next byte, NUL at the end. */
char scanner_peek(const struct scanner *scanner);
void scanner_skip(struct scanner *scanner, const char *blanks);

/* Gets past blanks and the token, or the token that is a whole word; false where it is not next. */
bool scanner_take(struct scanner *scanner, const char *token);
bool scanner_take_word(struct scanner *scanner, const char *word);

bool scanner_is_name_byte(char byte);
/* A name with the `?` that may end a method's; empty where there is none. */
void scanner_read_name(struct scanner *scanner, char name[NAME_MOST]);

struct ruby_value scanner_read_single_quoted(struct scanner *scanner);
/* After a backslash in double quotes; false for the escapes that are left to Ruby. */
bool scanner_read_escape(struct scanner *scanner, struct text *text);
struct ruby_value scanner_read_integer(struct scanner *scanner);

/* Up to the bracket that ends a block which Ruby would not call, whatever is in it; false where
 * that is not certain. */
bool scanner_skip_dead_block(struct scanner *scanner);

/* Up to what ends the right side of a `||` which Ruby would not evaluate; false where that is not
 * certain. */
bool scanner_skip_dead_operand(struct scanner *scanner);

/* Blanks and the comments that end with their line. */
void scanner_skip_comments(struct scanner *scanner);

/* Whether `do` or the bar of a block's parameters is in the code. */
bool scanner_opens_block(const char *code, size_t length);

#endif
