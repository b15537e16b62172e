/*
 * What is watched: from --watch, or without it the whole image, to the trees of files that are
 * looked through and the patterns that choose among them (design, section 7).
 */
#ifndef FINGERPRINT_WATCH_H
#define FINGERPRINT_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"
#include "signalbox/database/database.h"

struct watch_pattern {
    char *glob;      /* From the tree's directory, as glob.h has it. */
    char *base;      /* The folder or file that it names before its first wildcard … */
    bool is_literal; /* … or as a whole. */
    char *entry;     /* As it was given, for people; NULL where it was not, so that it may match
                        nothing. */
    bool is_only_searched; /* Does not decide whether a prepare is due. */
    bool has_matched;      /* A file; the walk says so. */
};

struct watch_tree {
    char *directory;
    char *label; /* The same as it was given, ending with '/', for people and the fingerprint; NULL
                    for the application's own. */
    struct watch_pattern *patterns;
    size_t count;
};

struct watch {
    struct watch_tree *trees; /* The first is the application's directory. */
    size_t count;
    bool is_whole_image;
    struct string_list variables; /* Names, without the `$`. */
};

struct watch_request {
    const char *directory;             /* The application's, itself a directory. */
    const struct string_list *entries; /* As --watch has them; NULL or empty: the whole image. */
    const struct databases
        *databases; /* For their migrations_paths; NULL where only Rails knows. */
};

/* Reads $BUNDLE_GEMFILE and, for `schema`, the lock file beside it. Appends a sentence to
 * `warnings` for what was asked for and cannot be had. -1 with the error filled (78). Release it in
 * any case.
 */
int watch_make(const struct watch_request *request, struct watch *watch,
    struct string_list *warnings, struct error *error) MUST_USE;

void watch_release(struct watch *watch);

/* Whether `path`, which lies in the tree, stands in the pattern outright: it, or something in it,
 * is named before any wildcard. */
bool watch_names(const struct watch_pattern *pattern, const char *path);

#endif
