/*
 * Where there are fewer connections than replicas: who gives way, and when steps may begin.
 */
#ifndef PREPARE_POSTGRES_HEADROOM_H
#define PREPARE_POSTGRES_HEADROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* The server is there, but it, or the pooler in front of it, has no connection for us just now.
 * That is nothing to give up for: --wait-timeout says how long one waits. */
bool headroom_is_in_the_way(const struct postgres_backend *backend, enum session_result result,
    const struct session_failure *failure);

/* Hangs up after that, and says once why: SEEN_CROWDED, with the error filled. */
enum observation headroom_give_way(
    struct postgres_backend *backend, enum session_result result, struct error *error) MUST_USE;

/* The backend's `rest`: how long to pause, the reader hung up where slots are few. */
int64_t headroom_rest(struct postgres_backend *backend, int64_t pause_ms);

/* Replicas that came together are still coming in and hanging up: among them the first step could
 * be refused its connection. Those that the server is only letting in show in no view, so what the
 * step will need is tried. Not waited for longer than it takes them, whatever the count says. */
enum session_result headroom_wait_for_calm(
    struct postgres_backend *backend, struct fence_report *found, int64_t deadline_ms) MUST_USE;

#endif
