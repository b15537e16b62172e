/*
 * The puppet of the chaos: the launcher of a replica, its step and its server in one small program.
 * It does nothing by itself. It says hello to the driver over a socket and then does what it is
 * told, so that the driver knows at every moment who is alive. PostgreSQL's protocol is spoken by
 * hand: thousands of steps are started, and libpq takes longer to load than all that they do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_ORPHANED = 98, EXIT_UNUSABLE = 99, MESSAGE_LENGTH = 256, PACKET_LENGTH = 8192 };

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

/* --- the driver ------------------------------------------------------------------------------- */

static int driver_connect(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", variable("CHAOS_SOCKET"));
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        _exit(EXIT_ORPHANED);
    }
    return fd;
}

static void driver_say(int fd, const char *message) {
    if (send(fd, message, strlen(message), MSG_NOSIGNAL) < 0) {
        _exit(EXIT_ORPHANED);
    }
}

static void driver_greet(int fd, const char *role) {
    char message[MESSAGE_LENGTH];
    (void)snprintf(message, sizeof message, "%s %s %s", role, variable("CHAOS_REPLICA"),
        variable("PGAPPNAME"));
    driver_say(fd, message);
}

/* --- the server ------------------------------------------------------------------------------- */

static void must(int is_done) {
    if (!is_done) {
        _exit(EXIT_UNUSABLE);
    }
}

static void send_packet(int fd, char type, const char *body, size_t length) {
    char packet[PACKET_LENGTH];
    uint32_t size = htonl((uint32_t)(length + sizeof size));
    size_t used = 0;
    if (type != '\0') {
        packet[used++] = type;
    }
    memcpy(packet + used, &size, sizeof size);
    used += sizeof size;
    memcpy(packet + used, body, length);
    (void)!send(fd, packet, used + length, MSG_NOSIGNAL);
}

static int read_all(int fd, char *buffer, size_t length) {
    size_t have = 0;
    while (have < length) {
        ssize_t got = read(fd, buffer + have, length - have);
        if (got <= 0) {
            return -1;
        }
        have += (size_t)got;
    }
    return 0;
}

/* Reads until the server is ready for the next statement. Returns the first letter of the first
 * value, 0 where there is none, or -1 when the server says an error or is gone. */
static int server_answer(int fd) {
    char header[5];
    char body[PACKET_LENGTH];
    int letter = 0;
    while (read_all(fd, header, sizeof header) == 0) {
        uint32_t size = 0;
        memcpy(&size, header + 1, sizeof size);
        size = ntohl(size) - (uint32_t)sizeof size;
        if (size > sizeof body || read_all(fd, body, size) != 0 || header[0] == 'E') {
            return -1;
        }
        /* A row: how many values, and the first one's length before its text. */
        if (header[0] == 'D' && size > 6) {
            letter = body[6];
        }
        if (header[0] == 'Z') {
            return letter;
        }
    }
    return -1;
}

static int append(char *body, int used, const char *text) {
    return used + snprintf(body + used, (size_t)(PACKET_LENGTH / 2 - used), "%s", text) + 1;
}

/* -1 where the server is not to be had. */
static int server_connect(void) {
    static const uint32_t version = 3U << 16U;
    char body[PACKET_LENGTH / 2];
    uint32_t version_sent = htonl(version);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(variable("CHAOS_PORT"))),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int used = (int)sizeof version_sent;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return -1;
    }
    memcpy(body, &version_sent, sizeof version_sent);
    used = append(body, used, "user");
    used = append(body, used, variable("CHAOS_ROLE"));
    used = append(body, used, "database");
    used = append(body, used, variable("CHAOS_DATABASE"));
    used = append(body, used, "application_name");
    used = append(body, used, variable("PGAPPNAME"));
    body[used++] = '\0';
    send_packet(fd, '\0', body, (size_t)used);
    if (server_answer(fd) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void server_ask(int fd, const char *statement) {
    send_packet(fd, 'Q', statement, strlen(statement) + 1);
}

/* --- the step --------------------------------------------------------------------------------- */

struct step {
    int driver_fd;
    int server_fd; /* -1 until the first statement. */
};

/* What every step does in the server: makes what a first boot makes, and takes a lock that only one
 * step at a time can have. */
static void step_begin_statement(struct step *step) {
    char statement[MESSAGE_LENGTH * 2];
    step->server_fd = step->server_fd < 0 ? server_connect() : step->server_fd;
    if (step->server_fd < 0) {
        driver_say(step->driver_fd, "gone");
        return;
    }
    (void)snprintf(statement, sizeof statement, "SELECT pg_try_advisory_lock(1128808783, %s)",
        variable("CHAOS_KEY"));
    server_ask(step->server_fd, statement);
    int taken = server_answer(step->server_fd);
    if (taken != 't') {
        driver_say(step->driver_fd, taken == 'f' ? "refused" : "gone");
        return;
    }
    server_ask(step->server_fd,
        "SET client_min_messages = warning;"
        " CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);"
        " INSERT INTO schema_migrations VALUES ('20261101000000') ON CONFLICT DO NOTHING");
    driver_say(step->driver_fd, server_answer(step->server_fd) < 0 ? "gone" : "locked");
}

/* A grandchild in a session of its own, as a step that daemonises leaves one. */
static void step_leave_daemon(const struct step *step) {
    if (fork() == 0) {
        (void)setsid();
        if (fork() != 0) {
            _exit(0);
        }
        struct step daemon = {.driver_fd = driver_connect(), .server_fd = -1};
        (void)close(step->driver_fd);
        if (step->server_fd >= 0) {
            (void)close(step->server_fd);
        }
        driver_greet(daemon.driver_fd, "daemon");
        char order[MESSAGE_LENGTH];
        while (recv(daemon.driver_fd, order, sizeof order, 0) > 0) {
            driver_say(daemon.driver_fd, "pong");
        }
        _exit(EXIT_ORPHANED);
    }
}

static void step_obey(struct step *step, const char *order) {
    int number = 0;
    if (strcmp(order, "ping") == 0) {
        driver_say(step->driver_fd, "pong");
    } else if (strcmp(order, "statement") == 0) {
        step_begin_statement(step);
    } else if (strcmp(order, "busy") == 0) {
        server_ask(step->server_fd, "SELECT pg_sleep(600)");
        driver_say(step->driver_fd, "busy");
    } else if (strcmp(order, "stubborn") == 0) {
        (void)signal(SIGTERM, SIG_IGN);
        driver_say(step->driver_fd, "stubborn");
    } else if (strcmp(order, "daemon") == 0) {
        step_leave_daemon(step);
    } else if (sscanf(order, "exit %d", &number) == 1) {
        _exit(number);
    } else if (sscanf(order, "die %d", &number) == 1) {
        (void)signal(number, SIG_DFL);
        (void)kill(getpid(), number);
    }
}

static void step_follow(struct step *step) {
    char order[MESSAGE_LENGTH];
    for (;;) {
        struct pollfd descriptors[] = {
            {.fd = step->driver_fd, .events = POLLIN}, {.fd = step->server_fd, .events = POLLIN}};
        if (poll(descriptors, 2, -1) < 0) {
            continue;
        }
        if (descriptors[1].revents != 0) {
            /* Nobody waits for an answer here, so this is the end of the session. */
            (void)close(step->server_fd);
            step->server_fd = -1;
            driver_say(step->driver_fd, "gone");
        }
        if (descriptors[0].revents != 0) {
            ssize_t length = recv(step->driver_fd, order, sizeof order - 1, 0);
            if (length <= 0) {
                _exit(EXIT_ORPHANED);
            }
            order[length] = '\0';
            step_obey(step, order);
        }
    }
}

/* --- the launcher ----------------------------------------------------------------------------- */

/* As unshare --pid --fork --mount-proc --kill-child --uts. The program is PID 1 of its namespace,
 * or, for `child`, an ordinary child of whoever started us. */
static int launch(char **arguments) {
    int is_init = strcmp(arguments[1], "init") == 0;
    int wait_status = 0;
    must(unshare(CLONE_NEWUTS | (is_init ? CLONE_NEWPID | CLONE_NEWNS : 0)) == 0);
    must(sethostname(arguments[0], strlen(arguments[0])) == 0);
    if (!is_init) {
        (void)execv(arguments[2], arguments + 2);
        _exit(EXIT_UNUSABLE);
    }
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0);
        (void)execv(arguments[2], arguments + 2);
        _exit(EXIT_UNUSABLE);
    }
    while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

int main(int argc, char **argv) {
    if (argc > 4 && strcmp(argv[1], "launch") == 0) {
        return launch(argv + 2);
    }
    int is_server = argc > 1 && strcmp(argv[1], "server") == 0;
    struct step step = {.driver_fd = driver_connect(), .server_fd = -1};
    driver_greet(step.driver_fd, is_server ? "server" : "step");
    step_follow(&step);
}
