/*
 * Stale pid files.
 * The trap: process numbers begin anew in every container, so the number in an old file is often
 * that of PID 1, which is us now and certainly no server.
 */
#include "signalbox/rails/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/number.h"
#include "signalbox/base/path.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"

static bool is_rails_server(char *const words[]) {
    return words != NULL && strcmp(path_base_name(words[0]), "rails") == 0 && words[1] != NULL &&
        (strcmp(words[1], "server") == 0 || strcmp(words[1], "s") == 0);
}

/* The value of the last -P or --pid, or NULL. */
static const char *pid_option(char *const options[]) {
    const char *path = NULL;
    for (size_t at = 0; options[at] != NULL; at++) {
        const char *option = options[at];
        if ((strcmp(option, "-P") == 0 || strcmp(option, "--pid") == 0) &&
            options[at + 1] != NULL) {
            path = options[at + 1];
        } else if (string_has_prefix(option, "--pid=")) {
            path = option + strlen("--pid=");
        } else if (string_has_prefix(option, "-P") && option[2] != '\0') {
            path = option + 2;
        }
    }
    return path;
}

char *pid_file_path(char *const server[], const char *pidfile_variable, const char *directory) {
    if (!is_rails_server(server)) {
        return NULL;
    }
    const char *path = pid_option(server + 2);
    if (path == NULL) {
        path = pidfile_variable == NULL || pidfile_variable[0] == '\0' ? "tmp/pids/server.pid"
                                                                       : pidfile_variable;
    }
    struct text full = {.data = NULL};
    if (directory != NULL && path[0] != '/') {
        text_append_format(&full, "%s/", directory);
    }
    text_append_string(&full, path);
    return full.data;
}

bool pid_file_remove_stale(const char *path) {
    char content[32];
    struct stat status;
    int64_t process = 0;
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    ssize_t length = read(fd, content, sizeof content - 1);
    if (length <= 0) {
        return false;
    }
    content[length] = '\0';
    content[strcspn(content, " \n")] = '\0';
    if (!number_parse(content, 1, INT32_MAX, &process)) {
        return false;
    }
    bool is_gone = kill((pid_t)process, 0) != 0 && errno == ESRCH;
    return (is_gone || process == getpid()) && unlink(path) == 0;
}
