/*
 * What the protocol says aloud, for whoever reads the log at 2 a.m.
 */
#ifndef PREPARE_PROTOCOL_MESSAGES_H
#define PREPARE_PROTOCOL_MESSAGES_H

#include <stdint.h>

#include "prepare/protocol/protocol_run.h"

/* What becomes of the command where it cannot be prepared for: "the server is not started". */
const char *messages_fate(const struct prepare_request *request);

/* For whom this replica waits, and since when; sets when to say it again. */
void messages_waiting(struct protocol *protocol, int64_t now_ms);

/* That this replica runs the steps, and why. */
void messages_beginning(const struct protocol *protocol);

/* What was ended, and whom we wait for since `waited_ms`: the latter only when *say_at_ms has come.
 */
void messages_fencing(const struct fence_report *found, int64_t waited_ms, int64_t *say_at_ms);

/* The end of the protocol in one line; returns its exit status. */
int messages_end(const struct protocol *protocol, enum protocol_outcome outcome);

#endif
