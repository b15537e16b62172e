/*
 * A shell's own options, and the simple commands of its `-c` string.
 */
#ifndef COMMAND_SHELL_H
#define COMMAND_SHELL_H

#include "command/lexer.h"
#include "command/word_list.h"
#include "signalbox/base/string_list.h"

enum shell_result {
    SHELL_STRING,  /* `-c`: the string stands at `at`. */
    SHELL_SCRIPT,  /* A file: it stands at `at`. */
    SHELL_CONSOLE, /* Nothing but options, or -s. */
    SHELL_NOTHING, /* --help, --version. */
    SHELL_LOST     /* A substitution among its options. */
};

/* Reads the shell's words from *at, where its first argument is. */
enum shell_result shell_read(const struct word_list *words, size_t *at);

enum script_result {
    SCRIPT_COMMAND, /* One more simple command. */
    SCRIPT_END,
    SCRIPT_BROKEN /* An open quote or a here-document. */
};

struct script {
    struct lexer lexer;
    struct lexeme lexeme;
    size_t index;                      /* Of the string in argv. */
    const struct word_list *arguments; /* $0 is at `first_argument`. */
    size_t first_argument;
    bool has_arguments;        /* False once `set` or `shift` may have changed them. */
    struct string_list *owned; /* Holds the texts of the words. */
    size_t words_most;         /* A command never gets more words than this. */
    size_t command_at;         /* The offset of the command's first word … */
    size_t program_at;         /* … of the first that is no assignment … */
    size_t command_end;        /* … and of what ends it. */
    int depth;                 /* `if`, `{` and the like that are open where it begins. */
    int open_blocks;           /* The same by now, without `case`. */
    bool is_assigning;         /* No word but assignments so far. */
    unsigned open_cases;       /* `case` without its `esac`. */
    bool in_pattern;           /* Between `in` or `;;` and `)`. */
    bool follows_anyway;       /* The command runs although the one before may have failed. */
    bool ends_anyway;          /* So far: a failure may be hidden from the string's own status. */
    bool may_go_on;            /* A loop or something in the background has been seen. */
    bool is_next_anyway;       /* A `;` or a newline has been seen behind the last command. */
};

/* Whether the words from `from` up to `to`, a shell's own options or those of `set`, make it end
 * where a command fails. */
bool shell_ends_on_failure(const struct word_list *words, size_t from, size_t to);

/* What calls a shell: its own words, its string, and behind it $0, $1 and so on. */
struct shell_call {
    const struct word_list *words;
    const struct word *string;
    size_t from;           /* The shell's own words go from here … */
    size_t to;             /* … to here; none where they are not known. */
    size_t first_argument; /* Where $0 stands. */
    bool ends_on_failure;  /* As with `sh -e`. */
};

/* The words of the next simple command, keywords, redirections and comments left out, `"$@"` and
 * `$0` to `$9` put in. */
enum script_result shell_next_command(struct script *script, struct word_list *word_list);

void shell_script_release(struct script *script);

#endif
