/*
 * The proof that --lock-timeout holds for the steps: a session of our own to each of the
 * application's databases, the way that Rails takes to it and with the PGOPTIONS of the steps, is
 * asked what lock_timeout is there.
 */
#ifndef PREPARE_POSTGRES_LOCK_TIMEOUT_PROOF_H
#define PREPARE_POSTGRES_LOCK_TIMEOUT_PROOF_H

#include "prepare/postgres/link.h"
#include "prepare/postgres/lock.h"
#include "prepare/protocol/observation.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/prepare/target.h"

/* Under the lock, which is tended meanwhile. SEEN_DONE where it holds everywhere, or is not asked
 * for; SEEN_REFUSED with the error filled (78 with the reason and what to do; 69 where a server did
 * not answer for the connect timeout); SEEN_GONE, SEEN_CANCELLED. The link's session is closed
 * meanwhile, so that no slot more is needed than the steps need, and open afterwards. */
enum observation lock_timeout_proof_find(const struct target *target, struct link *link,
    struct lock *lock, struct error *error) MUST_USE;

#endif
