/*
 * What a command line is, decided by position (design, section 4): the words are walked from the
 * left through wrappers that are known to run what follows, until a program decides. Pure: nothing
 * but the request is looked at, no file, no clock. The two possible mistakes are not alike: missing
 * a server boots it on an old schema, but taking a console for a server migrates production from
 * a person's shell, so whatever is not known is not a server.
 */
#ifndef SIGNALBOX_COMMAND_RECOGNISE_H
#define SIGNALBOX_COMMAND_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/string_list.h"
#include "signalbox/command/server.h"
#include "signalbox/command/step.h"

enum command_kind {
    COMMAND_SERVER,  /* Serves the app: prepares first. */
    COMMAND_WORKER,  /* Works off jobs: starts at once, may be held. */
    COMMAND_PREPARE, /* The configured steps themselves, or tasks that migrate, load or seed. */
    COMMAND_TASK,    /* A rails or rake task, a console, an interactive shell. */
    COMMAND_OTHER,   /* Anything else. */
    COMMAND_NONE     /* No words. */
};

struct recognition_request {
    char *const *argv;                 /* Ended by NULL; only read. */
    const struct server_list *servers; /* What --server names, or NULL. */
    const struct step_list *steps;     /* What preparing is, or NULL. */
    /* NAME=VALUE, ended by NULL, for `-e $RAILS_ENV` and for the environment's name; NULL where
     * nothing is known of it. */
    char *const *environment;
};

enum { SURROUNDINGS_JOINS = 4 };

/* What lies around the program that decided, outermost first. All strings are copies. */
struct context {
    /* The words to put before each step so that it runs as the command will: the wrappers that
     * change environment, secrets, directory or user, as they stand; `env NAME=VALUE` for a shell
     * string's assignments, `sh -c 'cd …'` for its cd. Relative directories in it are meant from
     * where the command would have been started. */
    struct string_list prefix;
    /* From each of these places in `prefix` on, all that follows is one word, quoted for a shell:
     * `sops exec-env FILE 'words'`. In rising order. */
    size_t joined_at[SURROUNDINGS_JOINS];
    size_t joins;
    /* Words by which what follows in the prefix may have to be found (`bundle exec`), and which go
     * in front of it then; until something does, they are kept here. */
    struct string_list finders;
    bool is_prefix_partial; /* Something could not be repeated: a substitution, su without -c. */
    bool has_secrets_tool;  /* dotenvx, doppler, op, aws-vault, chamber, infisical or the like. */
    /* The first of what may change the environment in a way that only it knows, for people:
     * "`doppler run`"; NULL where everything is known from the words. */
    char *asked;
    char *asked_known; /* The same without a word that no table knows. */
    /* The words [unknown_from, unknown_to) of the prefix are such a word and what it was given; for
     * people: "`bin/entry`". NULL where there is none: a walk keeps one at most. */
    char *unknown;
    size_t unknown_from;
    size_t unknown_to;
    /* A program of a shell string that runs before the server and not before the steps, as it
     * stands there with secrets masked; or NULL. */
    char *left_out;
    /* What the command's own assignments do to the environment, to be given to putenv(3) in this
     * order: NAME=VALUE sets, NAME alone takes away. */
    struct string_list changes;
    bool clears_environment; /* `env -i`: everything goes before the changes come. */
    char *directory;         /* Where the program runs, from where the command starts, or NULL. */
    char *user;              /* As the wrapper names it: "rails", "1000:1000"; or NULL. */
};

/* What names the environment. */
enum environment_source {
    ENVIRONMENT_DEFAULT, /* Nothing does: development. */
    ENVIRONMENT_OF_COMMAND,
    ENVIRONMENT_OF_RAILS_ENV,
    ENVIRONMENT_OF_RACK_ENV
};

/* "default", "the command", or the variable's name. */
const char *recognise_source_name(enum environment_source source);

struct recognition {
    enum command_kind kind;
    /* COMMAND_PREPARE only: it does the whole of the configured steps, and then perhaps more.
     * Otherwise it is something else that is for the lock, and not recorded. */
    bool is_step;
    bool is_versioned; /* VERSION or SCOPE is in its environment: never to be recorded. */
    bool is_manager;   /* It starts what a file of its own lists (foreman start), so what else it
                          is cannot be seen. */
    size_t word;       /* The index in argv of the word that decided; 0 where there is none. */
    char rule[240];    /* Why, for the log: "`rails server` behind `thrust`". */
    /* The Rails environment that the program will have, as Rails itself finds it: never NULL. */
    char *environment;
    enum environment_source environment_source;
    char *named_environment; /* What the program's own option names, or NULL. */
    bool names_rails_env;    /* It sets RAILS_ENV itself, and not only RACK_ENV. */
    struct context around;
    /* COMMAND_SERVER only: the server's own words, from the program on; in a shell string too. */
    struct string_list server;
    /* What is for the lock in a shell string that is no COMMAND_PREPARE: it runs outside of the
     * lock, on every replica. With secrets masked; or NULL. */
    char *inner_step;
};

/* Fills `recognition`, which the caller releases. Cannot fail: what cannot be understood is
 * COMMAND_OTHER. */
void recognise_command(const struct recognition_request *request, struct recognition *recognition);

/* The name of the Rails environment and where it comes from, in an environment that the command's
 * own words have already made. `name` points into it or into the recognition. */
void recognise_environment_in(const struct recognition *recognition, char *const environment[],
    const char **name, enum environment_source *source);

/* Appends the steps as they are to run beside the command: each behind what lies around it. What
 * the server's own option names, no wrapper of it can tell a step, so that goes with them. */
void recognise_wrap_steps(const struct recognition *recognition, const struct step_list *steps,
    const char *environment, enum environment_source source, struct step_list *wrapped);

/* Appends the words behind what lies around. */
void context_wrap(
    const struct context *around, char *const *words, size_t count, struct string_list *wrapped);

/* A copy without the words that no table knows: what is left is known to run what follows. */
void context_copy_known(const struct context *from, struct context *known);
void context_release(struct context *around);

void recognise_release(struct recognition *recognition);
#define AUTO_RECOGNITION __attribute__((cleanup(recognise_release)))

/* "server", "worker", "prepare", "task", "other", "none". */
const char *recognise_kind_name(enum command_kind kind);

#endif
