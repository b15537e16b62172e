/*
 * Why a replica prepares.
 */
#ifndef SIGNALBOX_PREPARE_PURPOSE_H
#define SIGNALBOX_PREPARE_PURPOSE_H

#include <stdbool.h>

enum prepare_purpose {
    PREPARE_NOTHING,
    PREPARE_IF_DUE,     /* The steps, unless this content is prepared. */
    PREPARE_TYPED,      /* The command is the steps: under the lock, whatever the ledger says. */
    PREPARE_UNRECORDED, /* Under the lock, but it is not the whole of the steps. */
    PREPARE_BY_OTHERS   /* Wait until another replica has prepared. */
};

/* Whether the command itself runs under the lock, whatever the ledger says; no server follows. */
static inline bool purpose_is_command(enum prepare_purpose purpose) {
    return purpose == PREPARE_TYPED || purpose == PREPARE_UNRECORDED;
}

#endif
