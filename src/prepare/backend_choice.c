/*
 * The choice of the coordinator, which is the same for preparing and for asking about it.
 */
#include "prepare/backend_choice.h"

#include "prepare/none/none_backend.h"

struct coordinator coordinator_choose(const struct prepare_request *request,
    const struct target *target, const struct attention *attention,
    struct coordinators *coordinators) {
    switch (target->lock) {
    case LOCK_NONE:
        return unlocked_coordinator_interface();
    case LOCK_FILE:
        file_coordinator_initialise(&coordinators->file, target, request->release_label);
        return file_coordinator_interface(&coordinators->file);
    case LOCK_AUTO: /* A target that is complete has decided. */
    case LOCK_POSTGRES:
        break;
    }
    postgres_coordinator_initialise(&coordinators->postgres, target, attention,
        request->connect_timeout_ms, request->release_label);
    return postgres_coordinator_interface(&coordinators->postgres);
}
