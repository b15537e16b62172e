/*
 * The fingerprint: the tree is listed, sorted and read one buffer at a time, so that memory does
 * not grow with what the files hold. The trap is overlayfs, on which files of different layers may
 * report different devices: only directories are compared by device, and a mounted file is known
 * by the mount-root attribute of statx(2).
 */
#include "prepare/fingerprint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "signalbox/process/exit_status.h"

/* musl has statx(2) without this one of the kernel's names (linux/stat.h, since Linux 5.8). */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

struct walk {
    const char *root; /* The real path, "" for /, or NULL where none can be had. */
    const struct string_list *left_out;
    int root_fd;
    unsigned device_major;
    unsigned device_minor;
    struct string_list directories; /* Still to be read, and read. */
    struct string_list files;
    EVP_MD_CTX *digest;
    struct fingerprint *fingerprint;
    struct error *error;
};

static int cannot_read(const struct walk *walk, const char *path) {
    error_set(walk->error, EXIT_STATUS_CONFIGURATION,
        "%s cannot be read (%s), so nobody can say whether this image's content is prepared", path,
        strerror(errno));
    return -1;
}

static bool is_left_out(const struct walk *walk, const char *path, const char *name) {
    AUTO_TEXT struct text whole = {.data = NULL};
    static const char *const at_top[] = {
        ".git", "log", "tmp", "storage", "node_modules", "public", "vendor/bundle"};
    for (size_t i = 0; i < ARRAY_LENGTH(at_top); i++) {
        if (strcmp(path, at_top[i]) == 0) {
            return true;
        }
    }
    text_append_format(&whole, "%s/%s", walk->root == NULL ? "" : walk->root, path);
    return strstr(name, ".sqlite3") != NULL ||
        (walk->root != NULL && walk->left_out != NULL &&
            string_list_has(walk->left_out, text_string(&whole)));
}

static int look_at(const struct walk *walk, const char *path, struct statx *status) {
    return statx(walk->root_fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
        STATX_TYPE | STATX_SIZE, status);
}

/* Volumes are not part of an image. */
static bool is_mounted(const struct walk *walk, const struct statx *status) {
    if ((status->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
        (status->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        return true;
    }
    return S_ISDIR(status->stx_mode) &&
        (status->stx_dev_major != walk->device_major ||
            status->stx_dev_minor != walk->device_minor);
}

static int list_entry(struct walk *walk, const char *directory, const char *name) {
    AUTO_TEXT struct text path = {.data = NULL};
    struct statx status;
    if (strcmp(directory, ".") != 0) {
        text_append_format(&path, "%s/", directory);
    }
    text_append_string(&path, name);
    if (is_left_out(walk, text_string(&path), name)) {
        return 0;
    }
    if (look_at(walk, text_string(&path), &status) != 0) {
        return cannot_read(walk, text_string(&path));
    }
    if (is_mounted(walk, &status)) {
        return 0;
    }
    string_list_append(
        S_ISDIR(status.stx_mode) ? &walk->directories : &walk->files, text_string(&path));
    return 0;
}

static void close_directory(DIR **directory) {
    if (*directory != NULL) {
        (void)closedir(*directory);
    }
}

static int list_directory(struct walk *walk, const char *path) {
    AUTO_FD int fd = openat(walk->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return cannot_read(walk, path);
    }
    __attribute__((cleanup(close_directory))) DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        return cannot_read(walk, path);
    }
    (void)take_fd(&fd);
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            return errno == 0 ? 0 : cannot_read(walk, path);
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            list_entry(walk, path, entry->d_name) != 0) {
            return -1;
        }
    }
}

static int digest_add(const struct walk *walk, const void *bytes, size_t length) {
    if (EVP_DigestUpdate(walk->digest, bytes, length) == 1) {
        return 0;
    }
    error_set(walk->error, EXIT_STATUS_SYSTEM, "SHA-256 is not to be had from OpenSSL");
    return -1;
}

/* A label and a value, each with its NUL, so that no two different lists look alike. */
static int digest_add_pair(const struct walk *walk, const char *label, const char *value) {
    return digest_add(walk, label, strlen(label) + 1) == 0
        ? digest_add(walk, value, strlen(value) + 1)
        : -1;
}

static int digest_add_content(struct walk *walk, const char *path) {
    char buffer[65536];
    int64_t size = 0;
    AUTO_FD int fd = openat(walk->root_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return cannot_read(walk, path);
    }
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof buffer);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return cannot_read(walk, path);
        }
        if (length == 0) {
            break;
        }
        if (digest_add(walk, buffer, (size_t)length) != 0) {
            return -1;
        }
        size += length;
    }
    char length_text[32];
    (void)snprintf(length_text, sizeof length_text, "%lld", (long long)size);
    walk->fingerprint->bytes += size;
    return digest_add_pair(walk, "size", length_text);
}

static int digest_add_file(struct walk *walk, const char *path) {
    struct statx status;
    if (look_at(walk, path, &status) != 0) {
        return cannot_read(walk, path);
    }
    walk->fingerprint->files++;
    if (S_ISLNK(status.stx_mode)) {
        char target[4096];
        ssize_t length = readlinkat(walk->root_fd, path, target, sizeof target - 1);
        if (length < 0) {
            return cannot_read(walk, path);
        }
        target[length] = '\0';
        return digest_add_pair(walk, "link", path) == 0 ? digest_add_pair(walk, "to", target) : -1;
    }
    if (!S_ISREG(status.stx_mode)) {
        return digest_add_pair(walk, "special", path);
    }
    return digest_add_pair(walk, "file", path) == 0 ? digest_add_content(walk, path) : -1;
}

static int compare_strings(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static int digest_add_tree(struct walk *walk) {
    for (size_t i = 0; i < walk->directories.count; i++) {
        if (list_directory(walk, walk->directories.items[i]) != 0) {
            return -1;
        }
    }
    if (walk->files.count > 0) {
        qsort(walk->files.items, walk->files.count, sizeof *walk->files.items, compare_strings);
    }
    for (size_t i = 0; i < walk->files.count; i++) {
        if (digest_add_file(walk, walk->files.items[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Web may go to a database through a pooler and a worker not: what leads there does not count. Nor
 * does a first database that only --database-url knows, where there are others that Rails knows. */
static int digest_add_databases(const struct walk *walk, const struct databases *databases) {
    if (databases == NULL) {
        return digest_add_pair(walk, "databases", "as Rails says");
    }
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        if (database->is_for_lock_only) {
            continue;
        }
        if (digest_add_pair(walk, "role", database->role) != 0 ||
            digest_add_pair(walk, "database", database->name == NULL ? "" : database->name) != 0 ||
            digest_add_pair(walk, "schema_search_path",
                database->schema_search_path == NULL ? "" : database->schema_search_path) != 0) {
            return -1;
        }
    }
    return 0;
}

static int digest_add_settings(const struct walk *walk, const struct fingerprint_request *request) {
    for (size_t i = 0; i < request->steps->count; i++) {
        if (digest_add_pair(walk, "step", request->steps->items[i].text) != 0) {
            return -1;
        }
    }
    if (digest_add_pair(walk, "environment", request->environment) != 0 ||
        digest_add_databases(walk, request->databases) != 0) {
        return -1;
    }
    return request->release == NULL ? 0 : digest_add_pair(walk, "release", request->release);
}

static int digest_finish(const struct walk *walk) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(walk->digest, bytes, &length) != 1 || length != 32) {
        error_set(walk->error, EXIT_STATUS_SYSTEM, "SHA-256 is not to be had from OpenSSL");
        return -1;
    }
    for (unsigned i = 0; i < length; i++) {
        (void)snprintf(walk->fingerprint->hex + (size_t)2 * i, 3, "%02x", bytes[i]);
    }
    return 0;
}

static int walk_tree(struct walk *walk, const struct fingerprint_request *request) {
    struct statx status;
    if (look_at(walk, ".", &status) != 0) {
        return cannot_read(walk, request->directory);
    }
    walk->device_major = status.stx_dev_major;
    walk->device_minor = status.stx_dev_minor;
    string_list_append(&walk->directories, ".");
    if (walk->digest == NULL || EVP_DigestInit_ex(walk->digest, EVP_sha256(), NULL) != 1) {
        error_set(walk->error, EXIT_STATUS_SYSTEM, "SHA-256 is not to be had from OpenSSL");
        return -1;
    }
    if (digest_add_tree(walk) != 0 || digest_add_settings(walk, request) != 0) {
        return -1;
    }
    return digest_finish(walk);
}

int fingerprint_make(const struct fingerprint_request *request, struct fingerprint *fingerprint,
    struct error *error) {
    AUTO_FD int root_fd = open(request->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FREE char *root = realpath(request->directory, NULL);
    struct walk walk = {
        .root = root == NULL || strcmp(root, "/") != 0 ? root : "",
        .left_out = request->left_out,
        .root_fd = root_fd,
        .fingerprint = fingerprint,
        .error = error,
    };
    *fingerprint = (struct fingerprint){.files = 0};
    if (root_fd < 0) {
        return cannot_read(&walk, request->directory);
    }
    walk.digest = EVP_MD_CTX_new();
    int result = walk_tree(&walk, request);
    EVP_MD_CTX_free(walk.digest);
    string_list_release(&walk.directories);
    string_list_release(&walk.files);
    return result;
}
