/*
 * The walk: depth first, the names of each folder sorted by their bytes.
 * The trap: on overlayfs, files of different layers may report different devices. So only
 * directories are compared by device, with the folder they are in, and a mounted file is known by
 * the mount-root attribute of statx(2).
 */
#include "fingerprint/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fingerprint/glob.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

/* musl has statx(2) without this one of the kernel's names (linux/stat.h, since Linux 5.8). */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

struct walker {
    struct watch_tree *tree;
    const struct tree_visitor *visitor;
    struct string_list *warnings;
    struct error *error;
    int root_fd;
    char *real_root; /* Where the tree really is; NULL where links are not followed. */
};

/* A folder on the way. */
struct folder {
    const char *path; /* From the tree's directory, "" for that itself. */
    dev_t device;
    bool is_linked;       /* Reached by a link: no further link to a folder is followed. */
    const bool *patterns; /* Those that may choose something in it. */
};

int tree_cannot_read(
    const struct watch_tree *tree, const char *path, int reason, struct error *error) {
    const char *folder = tree->label == NULL ? "" : tree->label;
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "%s%s cannot be read by uid %ld (%s), so it is not known whether this image's content is "
        "prepared: make it readable, or say with --watch which files count",
        folder[0] == '\0' && path[0] == '\0' ? tree->directory : folder, path, (long)geteuid(),
        strerror(reason));
    return -1;
}

/* What is gone between two looks was not there. */
static bool is_gone(void) {
    return errno == ENOENT || errno == ENOTDIR;
}

static bool is_left_out(const struct walker *walker, const char *path) {
    static const char *const at_top[] = {
        ".git", "log", "tmp", "storage", "node_modules", "public", "vendor/bundle"};
    if (walker->tree->label != NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(at_top); i++) {
        if (strcmp(path, at_top[i]) == 0) {
            return true;
        }
    }
    return strstr(path_base_name(path), ".sqlite3") != NULL;
}

/* Volumes are not part of an image. */
static bool is_mounted(const struct folder *folder, const struct statx *status) {
    if ((status->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
        (status->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        return true;
    }
    return S_ISDIR(status->stx_mode) &&
        makedev(status->stx_dev_major, status->stx_dev_minor) != folder->device;
}

static int look_at(const struct walker *walker, const char *path, struct statx *status) {
    return statx(walker->root_fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
        STATX_TYPE | STATX_SIZE, status);
}

static void close_directory(DIR **directory) {
    if (*directory != NULL) {
        (void)closedir(*directory);
    }
}

static int compare_strings(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names in a folder, sorted; it is closed again before anything in it is looked at, so that
 * depth costs no descriptors. */
static int list(
    const struct walker *walker, const struct folder *folder, struct string_list *names) {
    AUTO_FD int fd = openat(walker->root_fd, folder->path[0] == '\0' ? "." : folder->path,
        O_RDONLY | O_DIRECTORY | O_CLOEXEC | (folder->is_linked ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        return is_gone() ? 0 : tree_cannot_read(walker->tree, folder->path, errno, walker->error);
    }
    __attribute__((cleanup(close_directory))) DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        return tree_cannot_read(walker->tree, folder->path, errno, walker->error);
    }
    (void)take_fd(&fd);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL && errno != 0) {
            return tree_cannot_read(walker->tree, folder->path, errno, walker->error);
        }
        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            string_list_append(names, entry->d_name);
        }
    }
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_strings);
    }
    return 0;
}

/* Which patterns choose a path, or may choose something in it. */
struct choice {
    bool *patterns;
    bool has_any;
};

static void release_choice(struct choice *choice) {
    free(choice->patterns);
}
#define AUTO_CHOICE __attribute__((cleanup(release_choice)))

static struct choice choose(
    const struct walker *walker, const struct folder *folder, const char *path) {
    size_t count = walker->tree->count;
    struct choice choice = {.patterns = memory_allocate(count, sizeof(bool))};
    for (size_t i = 0; i < count; i++) {
        choice.patterns[i] =
            folder->patterns[i] && glob_match(walker->tree->patterns[i].glob, path) != GLOB_NO;
        choice.has_any = choice.has_any || choice.patterns[i];
    }
    return choice;
}

/* Keeps those patterns that name the path outright. */
static void keep_outright(const struct walker *walker, const char *path, struct choice *choice) {
    choice->has_any = false;
    for (size_t i = 0; i < walker->tree->count; i++) {
        choice->patterns[i] = choice->patterns[i] && watch_names(&walker->tree->patterns[i], path);
        choice->has_any = choice->has_any || choice->patterns[i];
    }
}

/* Visits the path where a pattern means it itself. */
static int visit(const struct walker *walker, const char *path, enum tree_kind kind,
    const struct choice *choice) {
    struct tree_entry entry = {
        .root_fd = walker->root_fd, .path = path, .kind = kind, .is_only_searched = true};
    bool is_chosen = false;
    for (size_t i = 0; i < walker->tree->count; i++) {
        struct watch_pattern *pattern = &walker->tree->patterns[i];
        if (choice->patterns[i] && glob_match(pattern->glob, path) == GLOB_YES) {
            is_chosen = true;
            pattern->has_matched = true;
            entry.is_only_searched = entry.is_only_searched && pattern->is_only_searched;
        }
    }
    return is_chosen ? walker->visitor->visit(walker->visitor->self, &entry, walker->error) : 0;
}

/* A pattern that names a link which is not followed decides less than its author thinks. */
static void warn_of_leaving(
    const struct walker *walker, const char *path, const struct choice *choice) {
    for (size_t i = 0; i < walker->tree->count; i++) {
        const struct watch_pattern *pattern = &walker->tree->patterns[i];
        if (choice->patterns[i] && pattern->entry != NULL && pattern->is_literal &&
            strcmp(pattern->base, path) == 0) {
            AUTO_TEXT struct text warning = {.data = NULL};
            text_append_format(&warning,
                "--watch: %s is a link out of the directory and is not followed; name its target",
                pattern->entry);
            string_list_append(walker->warnings, text_string(&warning));
        }
    }
}

static int walk_folder(const struct walker *walker, const struct folder *folder);

/* A link that may be followed: it counts as what it says, and so does what it leads to, under the
 * link's name, so that a name made up at run time (a ConfigMap's) does not. */
static int follow_link(const struct walker *walker, const struct folder *folder, const char *path,
    const struct choice *choice) {
    AUTO_TEXT struct text link = {.data = NULL};
    struct stat status;
    size_t root_length = strcmp(walker->real_root, "/") == 0 ? 0 : strlen(walker->real_root);
    if (visit(walker, path, TREE_LINK, choice) != 0) {
        return -1;
    }
    text_append_format(&link, "%s/%s", walker->real_root, path);
    AUTO_FREE char *target = realpath(text_string(&link), NULL);
    if (target == NULL || strncmp(target, walker->real_root, root_length) != 0 ||
        target[root_length] != '/' || fstatat(walker->root_fd, path, &status, 0) != 0) {
        warn_of_leaving(walker, path, choice);
        return 0;
    }
    if (S_ISREG(status.st_mode)) {
        return visit(walker, path, TREE_LINKED_FILE, choice);
    }
    if (!S_ISDIR(status.st_mode) || folder->is_linked) {
        return 0;
    }
    struct folder linked = {
        .path = path, .device = status.st_dev, .is_linked = true, .patterns = choice->patterns};
    return walk_folder(walker, &linked);
}

static int walk_entry(const struct walker *walker, const struct folder *folder, const char *path) {
    struct statx status;
    AUTO_CHOICE struct choice choice = choose(walker, folder, path);
    if (choice.has_any && is_left_out(walker, path)) {
        keep_outright(walker, path, &choice);
    }
    if (!choice.has_any) {
        return 0;
    }
    if (look_at(walker, path, &status) != 0) {
        return is_gone() ? 0 : tree_cannot_read(walker->tree, path, errno, walker->error);
    }
    if (is_mounted(folder, &status)) {
        keep_outright(walker, path, &choice);
    }
    if (!choice.has_any) {
        return 0;
    }
    if (S_ISDIR(status.stx_mode)) {
        struct folder below = {.path = path,
            .device = makedev(status.stx_dev_major, status.stx_dev_minor),
            .is_linked = folder->is_linked,
            .patterns = choice.patterns};
        return walk_folder(walker, &below);
    }
    if (S_ISLNK(status.stx_mode)) {
        return walker->real_root != NULL ? follow_link(walker, folder, path, &choice)
                                         : visit(walker, path, TREE_LINK, &choice);
    }
    return visit(walker, path, S_ISREG(status.stx_mode) ? TREE_FILE : TREE_SPECIAL, &choice);
}

static int walk_folder(const struct walker *walker, const struct folder *folder) {
    AUTO_STRING_LIST struct string_list names = {.items = NULL};
    if (list(walker, folder, &names) != 0) {
        return -1;
    }
    for (size_t i = 0; i < names.count; i++) {
        AUTO_TEXT struct text path = {.data = NULL};
        text_append_format(
            &path, "%s%s%s", folder->path, folder->path[0] == '\0' ? "" : "/", names.items[i]);
        if (walk_entry(walker, folder, text_string(&path)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int walk_root(const struct walker *walker) {
    struct statx status;
    bool *patterns = memory_allocate(walker->tree->count, sizeof *patterns);
    struct folder root = {.path = "", .patterns = patterns};
    memset(patterns, true, walker->tree->count * sizeof *patterns);
    int result = -1;
    if (look_at(walker, ".", &status) == 0) {
        root.device = makedev(status.stx_dev_major, status.stx_dev_minor);
        result = walk_folder(walker, &root);
    } else {
        (void)tree_cannot_read(walker->tree, "", errno, walker->error);
    }
    free(patterns);
    return result;
}

int tree_walk(struct watch_tree *tree, bool follows_links, const struct tree_visitor *visitor,
    struct string_list *warnings, struct error *error) {
    AUTO_FD int root_fd = open(tree->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0) {
        return tree->label != NULL && is_gone() ? 0 : tree_cannot_read(tree, "", errno, error);
    }
    AUTO_FREE char *real_root = follows_links ? realpath(tree->directory, NULL) : NULL;
    struct walker walker = {.tree = tree,
        .visitor = visitor,
        .warnings = warnings,
        .error = error,
        .root_fd = root_fd,
        .real_root = real_root};
    return walk_root(&walker);
}
