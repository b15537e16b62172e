/*
 * Owns the walk through /proc that finds the processes below this one, and signals them. Decides
 * nothing about when.
 * The trap: between a look and a signal a process may end, and its number may be given to a
 * stranger. So each process is held by a pidfd first and looked at once more: the same start time
 * under the same number proves that the handle is on the right process. A /proc of another PID
 * namespace shows numbers that mean other processes here, so it is not used at all. Where a kernel
 * or a seccomp filter refuses the handles, kill(2) remains, with a window of microseconds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/process/descendants.h"

/* A pass that goes on finding new processes is racing a fork bomb; its ends will wake us again. */
#define PASSES_MAX 64

struct seen_process {
    pid_t process;
    pid_t parent;
    unsigned long long started; /* In clock ticks since boot. */
    bool is_below;
};

struct process_list {
    struct seen_process *entries;
    size_t count;
    size_t capacity;
};

static void process_list_release(struct process_list *list) {
    free(list->entries);
}
#define AUTO_PROCESS_LIST __attribute__((cleanup(process_list_release)))

static bool process_list_add(struct process_list *list, const struct seen_process *process) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct seen_process *entries = reallocarray(list->entries, capacity, sizeof *entries);
        if (entries == NULL) {
            return false;
        }
        list->entries = entries;
        list->capacity = capacity;
    }
    list->entries[list->count++] = *process;
    return true;
}

static bool stat_field_parse(const char **cursor, unsigned long long *number) {
    char *end = NULL;
    errno = 0;
    *number = strtoull(*cursor, &end, 10);
    if (end == *cursor || errno != 0) {
        return false;
    }
    *cursor = end;
    return true;
}

/* Reads /proc/N/stat. False for a process that has gone, or has ended and only waits to be reaped.
 */
static bool process_look(pid_t process, struct seen_process *seen) {
    enum { FIELD_PARENT = 4, FIELD_THREADS = 20, FIELD_STARTED = 22 };
    char path[sizeof "/proc/-2147483648/stat"];
    char text[1024];

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';

    /* The name stands in parentheses and may hold any of them, and spaces: the last one ends it. */
    const char *cursor = strrchr(text, ')');
    if (cursor == NULL || cursor[1] != ' ' || cursor[2] == '\0') {
        return false;
    }
    bool has_ended = cursor[2] == 'Z' || cursor[2] == 'X';
    cursor += 3;
    *seen = (struct seen_process){.process = process};
    for (int field = FIELD_PARENT; field <= FIELD_STARTED; field++) {
        /* strtoull reads the fields that may be negative as well; their value is not used. */
        unsigned long long number = 0;
        if (!stat_field_parse(&cursor, &number)) {
            return false;
        }
        if (field == FIELD_PARENT) {
            seen->parent = (pid_t)number;
        } else if (field == FIELD_THREADS && number > 1) {
            /* Only its first thread has ended; the others run on. */
            has_ended = false;
        } else if (field == FIELD_STARTED) {
            seen->started = number;
        }
    }
    return !has_ended;
}

static bool proc_is_ours(void) {
    char target[16] = {0};
    char self[16];
    (void)snprintf(self, sizeof self, "%d", (int)getpid());
    return readlink("/proc/self", target, sizeof target - 1) > 0 && strcmp(target, self) == 0;
}

/* Every process that /proc shows, ourselves aside. False when /proc cannot be used. */
static bool processes_list(struct process_list *list) {
    if (!proc_is_ours()) {
        return false;
    }
    DIR *directory = opendir("/proc");
    if (directory == NULL) {
        return false;
    }
    const struct dirent *entry;
    bool has_room = true;
    /* One thread per process here. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while (has_room && (entry = readdir(directory)) != NULL) {
        const char *cursor = entry->d_name;
        unsigned long long number = 0;
        struct seen_process seen;
        if (*cursor >= '1' && *cursor <= '9' && stat_field_parse(&cursor, &number) &&
            (pid_t)number != getpid() && process_look((pid_t)number, &seen)) {
            has_room = process_list_add(list, &seen);
        }
    }
    (void)closedir(directory);
    return true;
}

static bool is_preexisting(const struct preexisting *preexisting, pid_t process) {
    for (size_t i = 0; preexisting != NULL && i < preexisting->count; i++) {
        if (preexisting->processes[i] == process) {
            return true;
        }
    }
    return false;
}

static bool parent_is_below(const struct process_list *list, pid_t parent, pid_t root) {
    if (parent == root) {
        return true;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i].process == parent) {
            return list->entries[i].is_below;
        }
    }
    return false;
}

/* A child may stand before its parent in the list, where numbers have been used again, so the marks
 * spread until nothing changes. */
static void descendants_mark(
    struct process_list *list, pid_t root, const struct preexisting *preexisting) {
    bool has_changed;
    do {
        has_changed = false;
        for (size_t i = 0; i < list->count; i++) {
            struct seen_process *entry = &list->entries[i];
            if (!entry->is_below && parent_is_below(list, entry->parent, root) &&
                !is_preexisting(preexisting, entry->process)) {
                entry->is_below = true;
                has_changed = true;
            }
        }
    } while (has_changed);
}

enum signal_result { SIGNAL_SENT, SIGNAL_REFUSED, SIGNAL_TARGET_GONE };

static enum signal_result signal_result_of(long returned) {
    if (returned == 0) {
        return SIGNAL_SENT;
    }
    return errno == EPERM ? SIGNAL_REFUSED : SIGNAL_TARGET_GONE;
}

static enum signal_result process_signal(const struct seen_process *target, int signal) {
    AUTO_FD int handle = (int)syscall(SYS_pidfd_open, target->process, 0);
    struct seen_process now;
    if (!process_look(target->process, &now) || now.started != target->started) {
        return SIGNAL_TARGET_GONE;
    }
    /* A kernel before 5.3, or a filter that lets only one of the two calls pass: then the look just
     * made has to do. A refusal that is meant is said by kill as well. */
    if (handle >= 0) {
        long sent = syscall(SYS_pidfd_send_signal, handle, signal, NULL, 0);
        if (sent == 0 || (errno != EPERM && errno != ENOSYS)) {
            return signal_result_of(sent);
        }
    }
    return signal_result_of(kill(target->process, signal));
}

static bool was_signalled(
    const struct process_list *signalled, const struct seen_process *process) {
    for (size_t i = 0; i < signalled->count; i++) {
        if (signalled->entries[i].process == process->process &&
            signalled->entries[i].started == process->started) {
            return true;
        }
    }
    return false;
}

/* One pass. Adds who was signalled to `signalled`; false when /proc cannot be used. */
static bool descendants_signal_new(struct process_list *signalled, int signal,
    const struct preexisting *preexisting, struct descendants_signalled *result) {
    AUTO_PROCESS_LIST struct process_list list = {0};
    if (!processes_list(&list)) {
        return false;
    }
    result->refused = 0;
    descendants_mark(&list, getpid(), preexisting);
    for (size_t i = 0; i < list.count; i++) {
        const struct seen_process *entry = &list.entries[i];
        if (!entry->is_below || was_signalled(signalled, entry)) {
            continue;
        }
        switch (process_signal(entry, signal)) {
        case SIGNAL_SENT:
            if (!process_list_add(signalled, entry)) {
                return true;
            }
            break;
        case SIGNAL_REFUSED:
            result->refused++;
            break;
        case SIGNAL_TARGET_GONE:
            break;
        }
    }
    return true;
}

struct descendants_signalled descendants_signal_namespace(int signal) {
    /* Anywhere else, kill(-1) would reach every process of this user. */
    if (getpid() != 1) {
        return (struct descendants_signalled){.signalled = 0};
    }
    AUTO_PROCESS_LIST struct process_list list = {0};
    (void)processes_list(&list);
    if (kill(-1, signal) != 0) {
        return (struct descendants_signalled){.signalled = 0};
    }
    return (struct descendants_signalled){.signalled = list.count > 0 ? (int)list.count : 1};
}

static struct descendants_signalled unseen_signal(pid_t group, int signal) {
    if (getpid() == 1) {
        return descendants_signal_namespace(signal);
    }
    bool is_sent = group > 1 && kill(-group, signal) == 0;
    return (struct descendants_signalled){.signalled = is_sent ? 1 : 0, .is_blind = true};
}

struct descendants_signalled descendants_signal(
    pid_t group, int signal, const struct preexisting *preexisting) {
    AUTO_PROCESS_LIST struct process_list signalled = {0};
    struct descendants_signalled result = {.signalled = 0};
    size_t before;
    int passes = 0;
    do {
        before = signalled.count;
        if (!descendants_signal_new(&signalled, signal, preexisting, &result)) {
            return unseen_signal(group, signal);
        }
        passes++;
    } while (signalled.count > before && passes < PASSES_MAX);
    result.signalled = (int)signalled.count;
    return result;
}

bool descendants_have(pid_t process) {
    AUTO_PROCESS_LIST struct process_list list = {0};
    if (!processes_list(&list)) {
        return true;
    }
    descendants_mark(&list, getpid(), NULL);
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].process == process) {
            return list.entries[i].is_below;
        }
    }
    return false;
}

bool descendants_remain(const struct preexisting *preexisting) {
    AUTO_PROCESS_LIST struct process_list list = {0};
    if (!processes_list(&list)) {
        return true;
    }
    descendants_mark(&list, getpid(), preexisting);
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].is_below) {
            return true;
        }
    }
    return false;
}

void descendants_note_preexisting(struct preexisting *preexisting) {
    siginfo_t info;
    *preexisting = (struct preexisting){.processes = NULL};
    /* For nearly every process one call says that there are none. */
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
        return;
    }
    AUTO_PROCESS_LIST struct process_list list = {0};
    if (!processes_list(&list)) {
        return;
    }
    preexisting->processes = calloc(list.count + 1, sizeof *preexisting->processes);
    for (size_t i = 0; preexisting->processes != NULL && i < list.count; i++) {
        if (list.entries[i].parent == getpid()) {
            preexisting->processes[preexisting->count++] = list.entries[i].process;
        }
    }
}

void descendants_forget_preexisting(struct preexisting *preexisting, pid_t process) {
    for (size_t i = 0; i < preexisting->count; i++) {
        if (preexisting->processes[i] == process) {
            preexisting->processes[i] = preexisting->processes[--preexisting->count];
            return;
        }
    }
}

void descendants_release_preexisting(struct preexisting *preexisting) {
    free(preexisting->processes);
    *preexisting = (struct preexisting){.processes = NULL};
}
