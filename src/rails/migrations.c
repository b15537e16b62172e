/*
 * Finding migrations.
 * The trap: versions must not be compared as text. A file called 0042_x.rb is the row 42 of
 * schema_migrations, and a number may have more digits than any integer of ours. So leading zeros
 * are dropped, and then the longer text is the greater number.
 */
#include "signalbox/rails/migrations.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

const char *migrations_version(const char *file_name, size_t *length) {
    size_t digits = strspn(file_name, "0123456789");
    size_t all = strlen(file_name);
    if (digits == 0 || file_name[digits] != '_' || all < digits + strlen("_.rb") ||
        strcmp(file_name + all - strlen(".rb"), ".rb") != 0) {
        return NULL;
    }
    size_t zeros = strspn(file_name, "0");
    zeros = zeros == digits ? digits - 1 : zeros;
    *length = digits - zeros;
    return file_name + zeros;
}

static int compare_versions(const char *one, const char *other) {
    size_t one_length = strlen(one);
    size_t other_length = strlen(other);
    if (one_length != other_length) {
        return one_length < other_length ? -1 : 1;
    }
    return strcmp(one, other);
}

static int compare_migrations(const void *one, const void *other) {
    const struct migration *left = one;
    const struct migration *right = other;
    int order = compare_versions(left->version, right->version);
    return order != 0 ? order : strcmp(left->path, right->path);
}

static void append(struct migrations *migrations, const char *directory, const char *name) {
    size_t length = 0;
    const char *version = migrations_version(name, &length);
    AUTO_TEXT struct text path = {.data = NULL};
    if (version == NULL) {
        return;
    }
    text_append_format(&path, "%s/%s", directory, name);
    migrations->items =
        memory_grow(migrations->items, migrations->count, sizeof *migrations->items);
    migrations->items[migrations->count++] = (struct migration){
        .version = string_copy_part(version, length),
        .path = string_copy(text_string(&path)),
    };
}

static void close_directory(DIR **directory) {
    if (*directory != NULL) {
        (void)closedir(*directory);
    }
}

/* Lists one directory: its migrations, and the directories below it. A link to a file counts. */
static void list_directory(
    int base_fd, const char *path, struct string_list *directories, struct migrations *migrations) {
    AUTO_FD int fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    __attribute__((cleanup(close_directory))) DIR *directory = fdopendir(fd);
    if (directory == NULL) {
        return;
    }
    (void)take_fd(&fd);
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        struct stat status;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISDIR(status.st_mode)) {
            AUTO_TEXT struct text below = {.data = NULL};
            text_append_format(&below, "%s/%s", path, entry->d_name);
            string_list_append(directories, text_string(&below));
        } else {
            append(migrations, path, entry->d_name);
        }
    }
}

static void read_path(int base_fd, const char *path, struct migrations *migrations) {
    AUTO_STRING_LIST struct string_list directories = {.items = NULL};
    string_list_append(&directories, path);
    for (size_t i = 0; i < directories.count; i++) {
        list_directory(base_fd, directories.items[i], &directories, migrations);
    }
}

void migrations_read(
    const char *directory, const struct string_list *paths, struct migrations *migrations) {
    *migrations = (struct migrations){.items = NULL};
    AUTO_FD int base_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base_fd < 0) {
        return;
    }
    if (paths->count == 0) {
        read_path(base_fd, "db/migrate", migrations);
    }
    for (size_t i = 0; i < paths->count; i++) {
        read_path(base_fd, paths->items[i], migrations);
    }
    if (migrations->count > 0) {
        qsort(migrations->items, migrations->count, sizeof *migrations->items, compare_migrations);
    }
}

const char *migrations_path_of(const struct migrations *migrations, const char *version) {
    for (size_t i = 0; i < migrations->count; i++) {
        if (strcmp(migrations->items[i].version, version) == 0) {
            return migrations->items[i].path;
        }
    }
    return NULL;
}

void migrations_release(struct migrations *migrations) {
    for (size_t i = 0; i < migrations->count; i++) {
        free(migrations->items[i].version);
        free(migrations->items[i].path);
    }
    free(migrations->items);
    *migrations = (struct migrations){.items = NULL};
}
