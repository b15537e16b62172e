/*
 * The names of a run's states.
 */
#include "signalbox/prepare/run.h"

#include <string.h>

#include "signalbox/base/cleanup.h"

static const char *const names[] = {
    [RUN_NONE] = "none",
    [RUN_RUNNING] = "running",
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_FAILED] = "failed",
    [RUN_INTERRUPTED] = "interrupted",
};

const char *run_state_name(enum run_state state) {
    return names[state];
}

enum run_state run_state_from_name(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return (enum run_state)i;
        }
    }
    return RUN_NONE;
}
