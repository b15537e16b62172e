/*
 * Ownership that ends with the scope. AUTO_FREE frees a pointer, AUTO_FD closes a descriptor that
 * is not -1, when the variable goes out of scope; take_pointer and take_fd hand the value on and
 * leave nothing behind to release.
 */
#ifndef SIGNALBOX_BASE_CLEANUP_H
#define SIGNALBOX_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer) {
    free(*(void **)pointer);
}

static inline void cleanup_fd(int *fd) {
    /* Linux has released the number even where close says EINTR, so it is never tried again. */
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static inline int take_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void *take_pointer(void *slot) {
    void **pointer = slot;
    void *taken = *pointer;
    *pointer = NULL;
    return taken;
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_FD __attribute__((cleanup(cleanup_fd)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MUST_USE __attribute__((warn_unused_result))

#endif
