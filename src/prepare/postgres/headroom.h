/*
 * Where there are fewer connections than replicas: who gives way, and when steps may begin.
 */
#ifndef PREPARE_POSTGRES_HEADROOM_H
#define PREPARE_POSTGRES_HEADROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "prepare/postgres/ledger.h"
#include "prepare/postgres/link.h"
#include "prepare/protocol/backend.h"

struct headroom {
    int64_t look_began_ms;
    bool look_connects;      /* It began without a connection. */
    int64_t look_ms;         /* The shortest such look so far; 0: none yet. */
    int64_t run_id;          /* The run that is waited for; 0: not known. */
    int64_t counted_in;      /* The run in whose row this waiter counts, or cannot. */
    int64_t waiters;         /* How many hang up like this one; 0: not known. */
    int64_t rest_base_ms;    /* The pace of a waiter that hangs up. */
    int64_t counted_ms;      /* When the slots were last found plenty. */
    int64_t uncalm_since_ms; /* Since when the first step waits for slots; 0: not at all. */
    int calm_streak;         /* How often in a row there was room. */
};

/* A look begins: how long the shortest one takes decides how long the rests are. */
void headroom_begin_look(struct headroom *headroom, const struct link *link);

/* The look has found this run under way. */
void headroom_note_run(struct headroom *headroom, const struct run *run);

/* The server is there, but it, or the pooler in front of it, has no connection for us just now.
 * That is nothing to give up for: --wait-timeout says how long one waits. */
bool headroom_is_in_the_way(const struct link *link, enum session_result result);

/* Hangs up after that, and says once why: SEEN_CROWDED, with the error filled. */
enum observation headroom_give_way(
    struct link *link, enum session_result result, struct error *error) MUST_USE;

/* Before a waiter pauses: how long to pause, the session hung up where slots are few. Then it is
 * counted in the row of the run, once for each run. */
int64_t headroom_rest(
    struct headroom *headroom, struct link *link, const struct ledger *ledger, int64_t pause_ms);

/* Replicas that came together are still coming in and hanging up: among them the first step could
 * be refused its connection. Those that the server is only letting in show in no view, so what the
 * step will need is tried. Not waited for longer than it takes them, whatever the count says. */
enum session_result headroom_wait_for_calm(struct headroom *headroom, struct link *link,
    struct fence_report *found, int64_t deadline_ms) MUST_USE;

#endif
