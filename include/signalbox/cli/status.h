/*
 * --status: whether this image's content is prepared, who holds the lock, and the last runs.
 */
#ifndef SIGNALBOX_CLI_STATUS_H
#define SIGNALBOX_CLI_STATUS_H

#include "signalbox/prepare/prepare.h"
#include "signalbox/report/report.h"

struct status_request {
    const struct prepare_request *prepare; /* Its connect timeout limits the whole question. */
    enum report_format format;
};

/* For supervisor_run_function: `request` is a struct status_request. Prints to standard output, for
 * a person or as one object; returns 0 where it is prepared, 1 where not, 69 where the database
 * cannot be reached, 78 where the configuration cannot work. Changes nothing. */
int status_run(void *request);

#endif
