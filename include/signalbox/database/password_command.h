/*
 * --password-command: the program that is asked for the password of each connection. The question
 * is made here, for one database; postgres/password_asking.h asks it.
 */
#ifndef SIGNALBOX_DATABASE_PASSWORD_COMMAND_H
#define SIGNALBOX_DATABASE_PASSWORD_COMMAND_H

#include "signalbox/base/secret_values.h"
#include "signalbox/base/string_list.h"
#include "signalbox/command/recognise.h"
#include "signalbox/postgres/password_asking.h"
#include "signalbox/process/signals.h"

struct database;

struct password_command {
    const struct step_list *words; /* One, as --step has them. */
    /* What it is run behind and in, which is only known when the databases are. `around` is NULL
     * where its environment has been asked for already. */
    const struct recognition *around;
    char *const *environment; /* NULL before it is known: then nothing is asked. */
    const struct signal_inheritance *signals;
    struct secret_values *secrets; /* Hears of the first passwords. */
    size_t learnt;
};

/* A question with what it points to. */
struct password_command_question {
    struct password_question question;
    struct step_list step;
    struct string_list environment;
};

/* `name` stands in place of the database's own name, or is NULL. Where the program is to find the
 * server: PGHOST, PGPORT, PGUSER and PGDATABASE in its environment, as far as they are known. */
void password_command_ask(struct password_command *command, const struct database *database,
    const char *name, struct password_command_question *made);

void password_command_release(struct password_command_question *made);

#endif
