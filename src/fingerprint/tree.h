/*
 * Walking a tree of files in an order that is the same everywhere, with memory for the names of one
 * folder at each depth and no more.
 */
#ifndef FINGERPRINT_TREE_H
#define FINGERPRINT_TREE_H

#include <stdbool.h>

#include "fingerprint/watch.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"
#include "signalbox/base/string_list.h"

enum tree_kind {
    TREE_FILE,
    TREE_LINKED_FILE, /* The same, but opening it follows a link that stays in the tree. */
    TREE_LINK,        /* A symbolic link, as what it says. */
    TREE_SPECIAL      /* A pipe, a socket, a device. */
};

struct tree_entry {
    int root_fd;      /* The tree's directory … */
    const char *path; /* … and the way from there. */
    enum tree_kind kind;
    bool is_only_searched;
};

struct tree_visitor {
    int (*visit)(void *self, const struct tree_entry *entry, struct error *error);
    void *self;
};

/* Visits what the tree's patterns choose, and notes which of them chose something. What is mounted
 * below the directory is left out, and so are in the application's own .git, log, tmp, storage,
 * node_modules, public and vendor/bundle at its top and *.sqlite3* anywhere, unless a pattern names
 * them outright. With `follows_links`, for patterns that may name a link and not what it leads to,
 * links to what lies in the tree are followed; never one that leaves it, which is told in
 * `warnings` where a pattern names it outright. A directory outside the application's may be
 * missing. -1 with the error filled, 78 and the folder named where one cannot be read. Blocks on
 * the disk. */
int tree_walk(struct watch_tree *tree, bool follows_links, const struct tree_visitor *visitor,
    struct string_list *warnings, struct error *error) MUST_USE;

/* Fills the error for what cannot be read, `reason` being the errno that says why; always -1. */
int tree_cannot_read(
    const struct watch_tree *tree, const char *path, int reason, struct error *error);

#endif
