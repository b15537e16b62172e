/*
 * The rows. A wrapper's options come from its manual page or its source; an option that is in
 * neither list ends the walk, because its value could be taken for the program.
 */
#include "command/tables.h"

#include <string.h>

#include "signalbox/base/cleanup.h"

static const struct wrapper wrappers[] = {
    {"thrust", NULL, "", ""}, /* basecamp/thruster: no options, all by environment. */
    {"bundle", "exec", "--gemfile", "--keep-file-descriptors --no-keep-file-descriptors"},
    {"exec", NULL, "-a", "-c -l"},
    {"nohup", NULL, "", ""},
    {"tini", NULL, "-p -e", "-s -v -vv -vvv -w -g -l --"},
    {"dumb-init", NULL, "-r --rewrite", "-c --single-child -v --verbose --"},
};

static const struct program programs[] = {
    {"rails", COMMAND_SERVER, "server s", COMMAND_TASK, "-h --help", "-e --environment"},
    {"puma", COMMAND_SERVER, NULL, COMMAND_SERVER, "-h --help -V --version", "-e --environment"},
    {"unicorn", COMMAND_SERVER, NULL, COMMAND_SERVER, "-h --help -v --version", "-E --env"},
    {"pitchfork", COMMAND_SERVER, NULL, COMMAND_SERVER, "-h --help -v --version", "-E --env"},
    {"rackup", COMMAND_SERVER, NULL, COMMAND_SERVER, "-h --help --version", "-E --env"},
    {"rake", COMMAND_TASK, NULL, COMMAND_TASK, "", ""},
    {"irb", COMMAND_TASK, NULL, COMMAND_TASK, "", ""},
    {"sh", COMMAND_TASK, NULL, COMMAND_TASK, "", ""},
    {"bash", COMMAND_TASK, NULL, COMMAND_TASK, "", ""},
};

const struct wrapper *wrapper_find(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(wrappers); i++) {
        if (strcmp(wrappers[i].name, name) == 0) {
            return &wrappers[i];
        }
    }
    return NULL;
}

const struct program *program_find(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        if (strcmp(programs[i].name, name) == 0) {
            return &programs[i];
        }
    }
    return NULL;
}
