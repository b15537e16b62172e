/*
 * Where distributions keep libjemalloc.so.2.
 */
#include "signalbox/rails/jemalloc.h"

#include <glob.h>
#include <stdlib.h>

#include "signalbox/base/cleanup.h"

bool jemalloc_preload(void) {
    static const char *const places[] = {
        "/usr/lib/*-linux-*/libjemalloc.so.2", /* Debian, Ubuntu */
        "/usr/lib/libjemalloc.so.2",           /* Alpine, Arch */
        "/usr/lib64/libjemalloc.so.2",         /* Red Hat, SUSE */
        "/usr/local/lib/libjemalloc.so.2",
    };
    if (getenv("LD_PRELOAD") != NULL) {
        return true;
    }
    bool is_found = false;
    for (size_t i = 0; i < ARRAY_LENGTH(places) && !is_found; i++) {
        glob_t found;
        if (glob(places[i], 0, NULL, &found) == 0) {
            is_found = setenv("LD_PRELOAD", found.gl_pathv[0], 0) == 0;
            globfree(&found);
        }
    }
    return is_found;
}
