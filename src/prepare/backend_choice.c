/*
 * The choice of the backend, which is the same for preparing and for asking about it.
 */
#include "prepare/backend_choice.h"

#include "prepare/none/none_backend.h"

struct backend backend_choice_make(const struct prepare_request *request,
    const struct target *target, const struct interrupt *interrupt,
    struct backend_choice *backend_choice) {
    switch (target->lock) {
    case LOCK_NONE:
        return none_backend_interface();
    case LOCK_FILE:
        file_backend_initialise(&backend_choice->file, target, request->release_label);
        return file_backend_interface(&backend_choice->file);
    case LOCK_AUTO: /* A target that is complete has decided. */
    case LOCK_POSTGRES:
        break;
    }
    postgres_backend_initialise(&backend_choice->postgres, target, interrupt,
        request->connect_timeout_ms, request->release_label);
    return postgres_backend_interface(&backend_choice->postgres);
}
