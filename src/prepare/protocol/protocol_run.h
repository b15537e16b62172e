/*
 * The loop of the protocol: carries out the actions of protocol.c's table against a backend. It
 * decides nothing that the table decides; what is said on the way stands in messages.c.
 */
#ifndef PREPARE_PROTOCOL_PROTOCOL_RUN_H
#define PREPARE_PROTOCOL_PROTOCOL_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/protocol/backend.h"
#include "prepare/protocol/protocol.h"
#include "prepare/protocol/steps.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/process/stop_request.h"

struct protocol {
    const struct prepare_request *request;
    const struct target *target;
    struct backend backend;
    struct stop_request *stop_request;
    char *const *environment;            /* For the steps. */
    const struct step_list *commands;    /* The steps. */
    const struct secret_values *secrets; /* What the ledger must not keep of their output. */
    bool has_looked;
    struct look first;
    struct look last;
    int64_t
        deploy_warning_at_ms; /* DEADLINE_NEVER where no deploy is waiting, or once it was said. */
    int64_t waiting_since_ms; /* 0 until the lock was first found held. */
    int64_t say_at_ms;
    int64_t rest_until_ms; /* After failures; 0 while there is nothing to rest from. */
    struct preflight preflight;
    int64_t fencing_since_ms;            /* 0 until the lock was first ours. */
    char fenced_by[FENCE_HOLDER_LENGTH]; /* What the first step waits for, or empty. */
    bool is_crowded;                     /* No connection was to be had last: `error` has why. */
    int64_t settled_at_ms; /* Not before this the first step, after a run that died; or 0. */
    int64_t run_id;
    int64_t began_ms; /* The run. */
    struct output_tail output_tail;
    struct output_tail errors_tail;
    struct steps_end steps_end;
    bool prepared_here;
    bool went_elsewhere; /* Its success counts for nothing, which has been said. */
    struct error error;
};

/* From the first connection to the end, which is an exit status: 0 when the command may start. */
int protocol_run(struct protocol *protocol);

#endif
