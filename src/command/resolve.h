/*
 * The walk over the words, and what it has found.
 */
#ifndef COMMAND_RESOLVE_H
#define COMMAND_RESOLVE_H

#include "command/word_list.h"
#include "signalbox/base/string_list.h"
#include "signalbox/command/recognise.h"

struct match {
    enum command_kind kind;
    bool ends; /* It ends by itself, so that the lock can be held for it. */
    /* It may make the database, or the way to it, so that a connection is not possible before it
     * has run. */
    bool opens_way;
    size_t word;
    char rule[240];
    char behind[96];         /* The wrappers so far, for the rule. */
    const char *environment; /* What the program's own option names, or NULL. */
    bool names_rails_env;
    bool is_manager; /* It starts what a file of its own lists. */
    struct context around;
};

struct resolver {
    const struct recognition_request *request;
    struct string_list owned; /* The texts that stand in no argv. */
    size_t effort;            /* Words that may still be looked at. */
    unsigned depth;           /* Shell strings inside shell strings. */
    bool is_in_last_rule;
    struct string_list deeds;  /* What each program does that was come to: tasks, or its words. */
    bool has_tasks;            /* One of them migrates, loads, seeds or drops. */
    bool hides_failure;        /* A shell string may end with 0 although one of them has failed. */
    bool reverts;              /* One of them takes back what others have prepared. */
    bool is_versioned;         /* One that is for the lock has VERSION or SCOPE. */
    char *inner_step;          /* The first of a shell string that is for the lock, or NULL. */
    struct string_list server; /* The server's own words, from the program on. */
};

/* Releases what the walk owns; what was taken from it is NULL or empty by then. */
void resolve_release(struct resolver *resolver);

/* Walks the words from `at` on and fills `finding`, whose `around` is what is known so far. */
void resolve_words(
    struct resolver *resolver, struct word_list *words, size_t at, struct match *match);

void resolve_decide(struct match *match, enum command_kind kind, size_t word, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* A program in quotes, then what it stands behind. */
void resolve_add_behind(struct match *match, const char *name);

#endif
