/*
 * Creating the first database, as the steps would.
 */
#ifndef PREPARE_POSTGRES_CREATION_H
#define PREPARE_POSTGRES_CREATION_H

#include <stdint.h>

#include "prepare/postgres/link.h"
#include "prepare/preflight/preflight_run.h"

/* Creates it where the steps could then go all the way, with what Rails would give it. Connects to
 * the database `postgres`, never to `template1`: a session there makes every other CREATE DATABASE
 * fail. SEEN_DONE where it is worth while to connect again: it was created, by us or by another
 * replica, or the server is only in trouble. */
enum observation creation_attempt(struct link *link, struct preflight_run *preflight_run,
    int64_t deadline_ms, struct error *error) MUST_USE;

#endif
