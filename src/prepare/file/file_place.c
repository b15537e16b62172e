/*
 * Checks the place before a lock is taken there. A directory for --lock=file is never created: with
 * a misspelt path every container would get a lock of its own.
 */
#include "prepare/file/file_place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "prepare/file/file_lock.h"
#include "prepare/file/sqlite_files.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/string.h"
#include "signalbox/report/report.h"

/* As Rails makes it: with all above it. */
static int make_directory(char *path, struct error *error) {
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return 0;
    }
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "cannot make the directory %.300s for the database: %s", path, strerror(errno));
    return -1;
}

/* Without a '/' at its end; "" for the root. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return string_copy_part(path, slash == NULL ? 0 : (size_t)(slash - path));
}

int file_place_make(const struct target *target, struct error *error) {
    struct stat status;
    AUTO_FREE char *directory = directory_of(target->lock_path);
    /* What else than its absence is wrong with it shows when the lock is opened. */
    bool is_missing = directory[0] != '\0' && stat(directory, &status) != 0 && errno == ENOENT;
    if (is_missing && target->lock_choice->path != NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "--lock=file: the directory %.300s does not exist: mount a volume there, or give "
            "another path",
            directory);
        return -1;
    }
    switch (target->missing_database) {
    case MISSING_IS_CREATED:
        return is_missing ? make_directory(directory, error) : 0;
    case MISSING_IS_AN_ERROR:
        break;
    case MISSING_IS_AWAITED:
        return 0;
    }
    if (sqlite_files_first(&target->databases, target->directory) == SQLITE_FILE_MISSING) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "the database %.200s (from %s) does not exist, and no step would create it",
            target->databases.items[0].name, target->databases.items[0].source);
        return -1;
    }
    return 0;
}

void file_place_warn(const struct target *target) {
    if (target->lock_choice->path == NULL &&
        sqlite_files_first_is_mount(&target->databases, target->directory)) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "only the database's file is mounted, so the lock %s and SQLite's own journal beside "
            "it are not shared: mount the directory instead",
            target->lock_path);
    }
    /* The lock itself may not be there yet. */
    AUTO_FREE char *directory = directory_of(target->lock_path);
    if (file_lock_is_remote(directory)) {
        report(EVENT_CONFIGURATION_NOTE, NULL,
            "%s is on a network file system, where a file lock may not work between hosts",
            target->lock_path);
    }
}
