/*
 * What would cure a ledger that cannot be had, for people. Pure.
 */
#ifndef PREPARE_POSTGRES_REMEDY_H
#define PREPARE_POSTGRES_REMEDY_H

#include <stdbool.h>

#include "prepare/postgres/ledger.h"
#include "signalbox/base/text.h"

struct remedy_circumstances {
    const struct ledger *ledger;
    bool is_ledger_there; /* Its table was seen. */
    const char *user;     /* The role that we came as, or NULL. */
};

/* Appends what the refusal asks for, as a clause. */
void remedy_append(const struct session_failure *failure,
    const struct remedy_circumstances *circumstances, struct text *text);

#endif
