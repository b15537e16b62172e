/*
 * Which coordinator a target is for.
 */
#ifndef PREPARE_BACKEND_CHOICE_H
#define PREPARE_BACKEND_CHOICE_H

#include "prepare/file/file_backend.h"
#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"
#include "signalbox/prepare/prepare.h"
#include "signalbox/prepare/target.h"
#include "signalbox/process/interrupt.h"

/* Room for any of them. Whichever is used, none owns more than its disconnect gives back. */
struct coordinators {
    struct postgres_coordinator postgres;
    struct file_coordinator file;
};

/* What is pointed to must stay as long as the coordinator is used. */
struct coordinator coordinator_choose(const struct prepare_request *request,
    const struct target *target, const struct attention *attention,
    struct coordinators *coordinators);

#endif
