/*
 * Asking Rails itself which databases there are, once, where the files do not say it for certain.
 * Only for the preparer, which heeds signals meanwhile; --explain never asks.
 */
#ifndef SIGNALBOX_DATABASE_ASK_RAILS_H
#define SIGNALBOX_DATABASE_ASK_RAILS_H

#include <stdint.h>

#include "signalbox/database/database.h"
#include "signalbox/process/interrupt.h"
#include "signalbox/process/signals.h"

struct rails_question {
    const char *directory;    /* The application's. */
    char *const *environment; /* With RAILS_ENV set, as the steps get it. */
    const struct signal_inheritance *inheritance;
    const struct interrupt *interrupt; /* What ends the asking early. */
    int64_t timeout_ms;                /* For each way to ask. */
    bool needs_initializers;           /* What loads ./config/application alone answers wrongly. */
};

enum rails_answer {
    RAILS_ANSWERED,
    RAILS_FAILED, /* The error says why (78), without anything that Rails printed. */
    RAILS_CANCELLED
};

/* Loads ./config/application, which needs no database and runs no initializer, and prints
 * ActiveRecord's configurations. Where that fails, or initializers are needed, it initializes the
 * application as the `environment` of Rails' tasks does, without loading its classes, since a class
 * may read a table that a first boot has not yet; then `bin/rails runner`. Where no way but the
 * first has an answer although initializers are needed, that is a warning of `databases`. The
 * caller is a subreaper without other children: whatever is left of the asking is killed and
 * reaped. */
enum rails_answer ask_rails_databases(const struct rails_question *question,
    struct databases *databases, struct error *error) MUST_USE;

#endif
