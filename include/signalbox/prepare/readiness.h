/*
 * How this image's content stands: whether it is prepared and why, without taking the lock, without
 * writing or creating anything.
 */
#ifndef SIGNALBOX_PREPARE_READINESS_H
#define SIGNALBOX_PREPARE_READINESS_H

#include <stdbool.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/text.h"
#include "signalbox/prepare/history.h"
#include "signalbox/prepare/prepare.h"

struct readiness {
    char fingerprint[65]; /* Empty where there is none, or it was not found out. */
    bool is_prepared;
    char why[640];        /* One clause. */
    bool is_known;        /* The ledger was asked; otherwise there is no history. */
    struct text database; /* Which one was asked, without its password; empty while unknown. */
    struct history history;
};

/* For a child of its own with all signals blocked. Asks once, and gives up after the request's
 * connect timeout; where only Rails can say which database it is, asks Rails before, which takes
 * longer. -1 with the error filled: 69 not reachable, 78 configuration, 128 + N a signal; `why` has
 * the same words. Release it in any case. */
int readiness_find(const struct prepare_request *request, struct readiness *readiness,
    struct error *error) MUST_USE;

void readiness_release(struct readiness *readiness);

#endif
