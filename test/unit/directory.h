/*
 * Removes the directory of a test, with all that is in it.
 */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <ftw.h>
#include <stdio.h>

static inline int directory_remove_one(
    const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int directory_remove(const char *path) {
    return nftw(path, directory_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
