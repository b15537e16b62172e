/*
 * Where platforms put the name of a release.
 */
#include "signalbox/rails/release.h"

#include <stddef.h>
#include <stdlib.h>

#include "signalbox/base/cleanup.h"

const char *release_variable(void) {
    static const char *const variables[] = {"KAMAL_VERSION", "HEROKU_RELEASE_VERSION",
        "RENDER_GIT_COMMIT", "FLY_IMAGE_REF", "RAILWAY_DEPLOYMENT_ID", "K_REVISION", "GIT_REV",
        "SOURCE_COMMIT"};
    for (size_t i = 0; i < ARRAY_LENGTH(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') {
            return variables[i];
        }
    }
    return NULL;
}

const char *release_label(const char *given) {
    const char *variable = given == NULL ? release_variable() : NULL;
    return variable == NULL ? given : getenv(variable);
}
