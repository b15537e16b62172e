/*
 * The backend's looks at the databases: before a start, before the steps and after them.
 */
#ifndef PREPARE_POSTGRES_POSTGRES_PREFLIGHT_H
#define PREPARE_POSTGRES_POSTGRES_PREFLIGHT_H

#include "prepare/postgres/postgres_backend.h"
#include "prepare/protocol/backend.h"

/* Whether a success that the ledger shows counts: a doubt about it goes into `seen`. */
enum observation postgres_preflight_look(
    struct postgres_backend *backend, struct look *seen, struct error *error) MUST_USE;

/* What unfinished runs began to initialise, if anybody wrote it down, in memory of the caller. */
enum session_result postgres_preflight_find_begun(
    struct postgres_backend *backend, char **begun) MUST_USE;

/* The backend's `inspect`; keeps for the ledger what the steps will initialise. */
enum observation postgres_preflight_judge(struct postgres_backend *backend, const char *begun,
    struct preflight *found, struct error *error) MUST_USE;

/* Enters into a success which of the databases a later look can hold against it, and whether its
 * steps seem to have gone elsewhere. What nobody can say now is not held against it. */
void postgres_preflight_note(
    struct postgres_backend *backend, struct run *success, int64_t deadline_ms);

#endif
