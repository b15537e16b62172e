/*
 * The names that a run's states have in every ledger.
 */
#ifndef PREPARE_PROTOCOL_RUN_STATE_H
#define PREPARE_PROTOCOL_RUN_STATE_H

#include "prepare/protocol/backend.h"

const char *run_state_name(enum run_state state);

/* RUN_NONE for anything that is no name of a state. */
enum run_state run_state_from_name(const char *name);

#endif
