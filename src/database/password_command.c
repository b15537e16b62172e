/*
 * The words and the environment of the program. What it is run behind may clear the environment, so
 * behind anything the assignments go through env(1), as those of a step do.
 */
#include "signalbox/database/password_command.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/command/step.h"
#include "signalbox/database/database.h"

/* A password that stays is among these; one that does not is of no use to a step's output. */
enum { LEARNT_MOST = 8 };

static void learn(void *argument, const char *password) {
    struct password_command *command = argument;
    if (command->secrets != NULL && command->learnt < LEARNT_MOST) {
        secret_values_learn(command->secrets, password);
        command->learnt++;
    }
}

static void append_assignment(
    struct string_list *assignments, const char *name, const char *value) {
    if (value != NULL && value[0] != '\0') {
        AUTO_TEXT struct text assignment = {.data = NULL};
        text_append_format(&assignment, "%s=%s", name, value);
        string_list_append(assignments, text_string(&assignment));
    }
}

/* libpq's own port, so that a command line with $PGPORT in it always has one. */
static const char *port_of(const struct database *database, char *const *environment) {
    for (; database->port == NULL && *environment != NULL; environment++) {
        if (string_has_prefix(*environment, "PGPORT=")) {
            return NULL;
        }
    }
    return database->port == NULL ? "5432" : database->port;
}

void password_command_ask(struct password_command *command, const struct database *database,
    const char *name, struct password_command_question *made) {
    const struct step *given = &command->words->items[0];
    struct step inner = {.text = given->text, .label = given->label, .argv = given->argv};
    struct step_list one = {.items = &inner, .count = 1};
    *made = (struct password_command_question){.step = {.items = NULL}};
    append_assignment(&inner.assignments, "PGHOST", database->host);
    append_assignment(&inner.assignments, "PGPORT", port_of(database, command->environment));
    append_assignment(&inner.assignments, "PGUSER", database->user);
    append_assignment(&inner.assignments, "PGDATABASE", name == NULL ? database->name : name);
    for (size_t i = 0; i < given->assignments.count; i++) {
        string_list_append(&inner.assignments, given->assignments.items[i]);
    }
    static const struct context nothing;
    step_list_append_wrapped(
        &made->step, &one, command->around == NULL ? &nothing : &command->around->around, NULL);
    string_list_release(&inner.assignments);

    const struct step *step = &made->step.items[0];
    for (char *const *item = command->environment; *item != NULL; item++) {
        string_list_append(&made->environment, *item);
    }
    for (size_t i = 0; i < step->assignments.count; i++) {
        string_list_set(&made->environment, step->assignments.items[i]);
    }
    made->question = (struct password_question){
        .argv = step->argv.items,
        .environment = made->environment.items,
        .signals = command->signals,
        .learn = learn,
        .argument = command,
    };
}

void password_command_release(struct password_command_question *made) {
    step_list_release(&made->step);
    string_list_release(&made->environment);
}
