/*
 * The answering. It stands behind a foreign wrapper, perhaps as another user and with every
 * descriptor closed, so it needs nothing but a socket. It stays until who asked has hung up: by
 * that time its place below the asker, which tells it from any other process, has been looked at.
 */
#include "signalbox/command/reply.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/reply_format.h"
#include "command/reply_socket.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/exit_status.h"
#include "signalbox/base/text.h"

bool reply_is_wanted(char *const argv[]) {
    return argv[0] != NULL && argv[1] != NULL && argv[2] == NULL &&
        reply_socket_nonce(argv[1]) != NULL;
}

static bool send_all(int fd, const struct text *bytes) {
    for (size_t sent = 0; sent < bytes->length;) {
        ssize_t length = send(fd, bytes->data + sent, bytes->length - sent, MSG_NOSIGNAL);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return false;
        }
        sent += (size_t)length;
    }
    return shutdown(fd, SHUT_WR) == 0;
}

static void wait_for_end(int fd) {
    char byte = 0;
    while (read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
}

int reply_send(char *const argv[]) {
    char directory[PATH_MAX] = "";
    struct sockaddr_un address;
    AUTO_TEXT struct text bytes = {.data = NULL};
    socklen_t length = reply_socket_address(reply_socket_nonce(argv[1]), &address);
    if (getcwd(directory, sizeof directory) == NULL) {
        directory[0] = '\0';
    }
    reply_format_write(environ, directory, &bytes);
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, length) != 0 ||
        !send_all(fd, &bytes)) {
        (void)fprintf(stderr, "signalbox: cannot send the environment back: %s\n", strerror(errno));
        return EXIT_STATUS_SYSTEM;
    }
    wait_for_end(fd);
    return EXIT_STATUS_SUCCESS;
}
