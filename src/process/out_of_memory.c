/*
 * Owns the search for the memory cgroup's counter of OOM kills. Decides nothing about what a kill
 * means. Allocates nothing, because PID 1 calls it.
 * The trap: /proc/self/cgroup names a path of the host, which a container without a cgroup
 * namespace does not see: its own group is mounted as the root there. So the path is tried first,
 * and then the root.
 */
#include "signalbox/process/out_of_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/number.h"
#include "signalbox/base/string.h"

/* Small, because PID 1's stack stays as large as it ever was: a page for each. */
#define FILE_MAX 2048
#define PATH_ROOM 1024

/* The beginning of a file as text; false where it cannot be read. */
static bool file_read(const char *path, char content[static FILE_MAX]) {
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t length = fd < 0 ? -1 : read(fd, content, FILE_MAX - 1);
    if (length < 0) {
        return false;
    }
    content[length] = '\0';
    return true;
}

/* The number behind `oom_kill` in a file of such lines, or -1. */
static int64_t counter_read(const char *path) {
    char content[FILE_MAX];
    int64_t count = -1;
    char *rest = NULL;
    if (!file_read(path, content)) {
        return -1;
    }
    for (char *line = strtok_r(content, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (string_has_prefix(line, "oom_kill ") &&
            number_parse(line + strlen("oom_kill "), 0, INT64_MAX, &count)) {
            return count;
        }
    }
    return -1;
}

/* Whether a line of /proc/self/cgroup, `ID:CONTROLLERS:PATH`, is about memory; for cgroup v2 the
 * list of controllers is empty. */
static bool is_about_memory(const char *controllers, bool *is_first_version) {
    *is_first_version = controllers[0] != '\0';
    for (const char *name = controllers; name[0] != '\0';) {
        size_t length = strcspn(name, ",");
        if (length == strlen("memory") && strncmp(name, "memory", length) == 0) {
            return true;
        }
        name += length + (name[length] == ',' ? 1 : 0);
    }
    return !*is_first_version;
}

static int64_t counter_below(const char *cgroups, const char *group, bool is_first_version) {
    char path[PATH_ROOM];
    const char *folder = is_first_version ? "/memory" : "";
    const char *file = is_first_version ? "memory.oom_control" : "memory.events";
    (void)snprintf(path, sizeof path, "%s%s%s/%s", cgroups, folder, group, file);
    int64_t count = counter_read(path);
    if (count < 0) {
        (void)snprintf(path, sizeof path, "%s%s/%s", cgroups, folder, file);
        count = counter_read(path);
    }
    return count;
}

int64_t out_of_memory_kills(const char *proc, const char *cgroups) {
    char content[FILE_MAX];
    char path[PATH_ROOM];
    char *rest = NULL;
    int64_t count = -1;
    (void)snprintf(path, sizeof path, "%s/self/cgroup", proc);
    if (!file_read(path, content)) {
        /* Without /proc the group that is mounted as the root is the only one to ask. */
        count = counter_below(cgroups, "", false);
        return count >= 0 ? count : counter_below(cgroups, "", true);
    }
    for (char *line = strtok_r(content, "\n", &rest); line != NULL && count < 0;
         line = strtok_r(NULL, "\n", &rest)) {
        bool is_first_version = false;
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        if (is_about_memory(controllers + 1, &is_first_version)) {
            /* The root's own path is "/" and would only double the slash. */
            count = counter_below(cgroups, strcmp(group, "/") == 0 ? "" : group, is_first_version);
        }
    }
    return count;
}
