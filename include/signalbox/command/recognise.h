/*
 * What a command line is, decided by position (design, section 4): the words are walked from the
 * left through wrappers that are known to run what follows, until a program decides. Pure: nothing
 * but the words is looked at. The two possible mistakes are not alike: missing a server boots it
 * on an old schema, but taking a console for a server migrates production from somebody's shell,
 * so whatever is not known is not a server.
 */
#ifndef SIGNALBOX_COMMAND_RECOGNISE_H
#define SIGNALBOX_COMMAND_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>

enum command_kind {
    COMMAND_SERVER,  /* Serves the app: prepares first. */
    COMMAND_WORKER,  /* Works off jobs: starts at once. */
    COMMAND_PREPARE, /* The configured step itself. */
    COMMAND_MIGRATE, /* `rails db:migrate` or `rake db:migrate`, where that is not the step. */
    COMMAND_TASK,    /* A rails or rake task, a console, an interactive shell. */
    COMMAND_OTHER,   /* Anything else. */
    COMMAND_NONE     /* No words. */
};

struct recognition {
    enum command_kind kind;
    size_t word;             /* The index of the word that decided. */
    char rule[96];           /* Why, for the log: "`rails server` behind `thrust`". */
    bool is_rails_server;    /* `rails server`, which writes a pid file. */
    const char *environment; /* The Rails environment that the server itself names (-e), or NULL;
                                points into argv. */
};

/* `argv` ends with NULL; it is only read. */
struct recognition command_recognise(char *const argv[]);

/* "server", "task", "other", "none". */
const char *command_kind_name(enum command_kind kind);

#endif
