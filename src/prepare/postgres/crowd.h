/*
 * Where there are fewer connections than replicas: who gives way, and when steps may begin.
 */
#ifndef PREPARE_POSTGRES_CROWD_H
#define PREPARE_POSTGRES_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* The server is there, but it, or the pooler in front of it, has no connection for us just now.
 * That is nothing to give up for: --wait-timeout says how long one waits. */
bool crowd_is_in_the_way(const struct postgres_coordinator *coordinator, enum session_result result,
    const struct session_failure *failure);

/* Hangs up after that, and says once why: COORDINATION_CROWDED, with the error filled. */
enum coordination crowd_give_way(struct postgres_coordinator *coordinator,
    enum session_result result, struct error *error) MUST_USE;

/* The coordinator's `rest`: how long to pause, the reader hung up where slots are few. */
int64_t crowd_rest(struct postgres_coordinator *coordinator, int64_t pause_ms);

/* Replicas that came together are still coming in and hanging up: among them the first step could
 * be refused its connection. Those that the server is only letting in show in no view, so what the
 * step will need is tried. Not waited for longer than it takes them, whatever the count says. */
enum session_result crowd_wait_for_calm(struct postgres_coordinator *coordinator,
    struct fence_report *found, int64_t deadline_ms) MUST_USE;

#endif
