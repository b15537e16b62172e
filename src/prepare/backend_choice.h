/*
 * Which backend a target is for.
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
struct backend_choice {
    struct postgres_backend postgres;
    struct file_backend file;
};

/* What is pointed to must stay as long as the backend is used. */
struct backend backend_choice_make(const struct prepare_request *request,
    const struct target *target, const struct interrupt *interrupt,
    struct backend_choice *backend_choice);

#endif
