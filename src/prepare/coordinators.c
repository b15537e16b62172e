/*
 * The choice of the coordinator, which is the same for preparing and for asking about it.
 */
#include "prepare/coordinators.h"

struct coordinator coordinator_choose(const struct prepare_request *request,
    const struct target *target, const struct attention *attention,
    struct coordinators *coordinators) {
    postgres_coordinator_initialise(&coordinators->postgres, target, attention,
        request->connect_timeout_ms, request->release_label);
    return postgres_coordinator_interface(&coordinators->postgres);
}
