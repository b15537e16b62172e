/*
 * Owns every call that reads or changes who this process is and what it may do. Decides nothing.
 * The kernel, a user namespace or a seccomp filter can refuse each of these calls, and sometimes a
 * call succeeds and changes nothing. So a result is never final here, and the caller reads
 * everything again.
 */
#include "signalbox/process/privileges.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/nearest.h"
#include "signalbox/base/string.h"
#include "signalbox/base/string_list.h"
#include "signalbox/base/text.h"

#define PREFIX "cap_"
#define BIT(capability) (UINT64_C(1) << (capability))

/* How many a set can hold; the kernel has fewer. */
enum { SET_BITS = 64 };

/* --- names ------------------------------------------------------------------------ */

struct capability_name {
    char text[32];
};

/* Without the prefix; the number, for one that is newer than libcap. */
static struct capability_name capability_name(int capability) {
    struct capability_name name = {.text = ""};
    char *known = cap_to_name(capability);
    if (known != NULL) {
        const char *plain = string_has_prefix(known, PREFIX) ? known + strlen(PREFIX) : known;
        memcpy(name.text, plain, strnlen(plain, sizeof name.text - 1));
        (void)cap_free(known);
    }
    return name;
}

/* A name that has the word in it is nearer than one that is merely spelt alike. */
static size_t distance(const char *word, const char *name) {
    return strstr(name, word) != NULL ? 0 : nearest_distance(word, name);
}

static int unknown_capability(const char *given, const char *word, struct error *error) {
    struct capability_name nearest = capability_name(0);
    for (int capability = 1; capability <= CAP_LAST_CAP; capability++) {
        struct capability_name name = capability_name(capability);
        if (distance(word, name.text) < distance(word, nearest.text)) {
            nearest = name;
        }
    }
    if (strcmp(word, "none") == 0) {
        error_set(error, EXIT_STATUS_USAGE, "`none` stands alone");
    } else if (strcmp(word, "all") == 0) {
        error_set(error, EXIT_STATUS_USAGE,
            "`all` is not a capability: without this option the command keeps all that there are");
    } else if (word[0] == '\0') {
        error_set(error, EXIT_STATUS_USAGE,
            "a name is missing: use none, or names such as "
            "net_bind_service with commas between them");
    } else {
        error_set(error, EXIT_STATUS_USAGE, "`%s` is not a capability: did you mean %s?", given,
            nearest.text);
    }
    return -1;
}

static int capability_parse(const char *given, uint64_t *set, struct error *error) {
    AUTO_FREE char *lower = string_copy(given);
    for (char *letter = lower; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    const char *word = string_has_prefix(lower, PREFIX) ? lower + strlen(PREFIX) : lower;
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (strcmp(capability_name(capability).text, word) == 0) {
            *set |= BIT(capability);
            return 0;
        }
    }
    return unknown_capability(given, word, error);
}

int privileges_parse_capabilities(const char *list, uint64_t *set, struct error *error) {
    *set = 0;
    if (strcmp(list, "none") == 0) {
        return 0;
    }
    while (true) {
        size_t length = strcspn(list, ",");
        AUTO_FREE char *given = string_copy_part(list, length);
        if (capability_parse(given, set, error) != 0) {
            return -1;
        }
        if (list[length] == '\0') {
            return 0;
        }
        list += length + 1;
    }
}

void privileges_list_capabilities(uint64_t set, struct string_list *names) {
    for (int capability = 0; capability < SET_BITS; capability++) {
        if ((set & BIT(capability)) != 0) {
            string_list_append(names, capability_name(capability).text);
        }
    }
}

void privileges_describe_capabilities(uint64_t set, struct text *text) {
    AUTO_STRING_LIST struct string_list names = {.items = NULL};
    privileges_list_capabilities(set, &names);
    for (size_t i = 0; i < names.count; i++) {
        text_append_format(text, "%s%s", i == 0 ? "" : ",", names.items[i]);
    }
    if (names.count == 0) {
        text_append_string(text, "none");
    }
}

/* --- reading ---------------------------------------------------------------------- */

static void cleanup_capabilities(cap_t *capabilities) {
    if (*capabilities != NULL) {
        (void)cap_free(*capabilities);
    }
}
#define AUTO_CAPABILITIES __attribute__((cleanup(cleanup_capabilities)))

static int refused(const char *what, struct error *error) {
    error_set(error, EXIT_STATUS_PRIVILEGES, "%s: %s", what, strerror(errno));
    return -1;
}

static uint64_t flag_read(cap_t capabilities, cap_flag_t flag) {
    uint64_t set = 0;
    for (int capability = 0; capability < SET_BITS; capability++) {
        cap_flag_value_t value = CAP_CLEAR;
        if (cap_get_flag(capabilities, capability, flag, &value) == 0 && value == CAP_SET) {
            set |= BIT(capability);
        }
    }
    return set;
}

/* The bounding or the ambient set; the first number that the kernel does not know ends it. */
static int set_read(int (*get)(cap_value_t), const char *what, uint64_t *set, struct error *error) {
    *set = 0;
    for (int capability = 0; capability < SET_BITS; capability++) {
        int value = get(capability);
        if (value < 0 && capability == 0) {
            return refused(what, error);
        }
        if (value < 0) {
            return 0;
        }
        *set |= value > 0 ? BIT(capability) : 0;
    }
    return 0;
}

static int groups_read(struct credentials *credentials, struct error *error) {
    int count = getgroups(0, NULL);
    if (count > 0) {
        credentials->groups = memory_allocate((size_t)count, sizeof *credentials->groups);
        count = getgroups(count, credentials->groups);
    }
    if (count < 0) {
        return refused("cannot read the supplementary groups", error);
    }
    credentials->group_count = (size_t)count;
    return 0;
}

int privileges_read(struct credentials *credentials, struct error *error) {
    *credentials = (struct credentials){.groups = NULL};
    uint32_t *uids = credentials->uids;
    uint32_t *gids = credentials->gids;
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0) {
        return refused("cannot read uid and gid", error);
    }
    AUTO_CAPABILITIES cap_t capabilities = cap_get_proc();
    if (capabilities == NULL) {
        return refused("cannot read the capabilities", error);
    }
    credentials->permitted = flag_read(capabilities, CAP_PERMITTED);
    credentials->effective = flag_read(capabilities, CAP_EFFECTIVE);
    credentials->inheritable = flag_read(capabilities, CAP_INHERITABLE);
    int no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (no_new_privs < 0) {
        return refused("cannot read no_new_privs", error);
    }
    credentials->no_new_privs = no_new_privs == 1;
    return set_read(cap_get_ambient, "cannot read the ambient set", &credentials->ambient, error) ==
                0 &&
            set_read(cap_get_bound, "cannot read the bounding set", &credentials->bounding,
                error) == 0 &&
            groups_read(credentials, error) == 0
        ? 0
        : -1;
}

/* --- changing --------------------------------------------------------------------- */

static int bounding_drop(uint64_t drops, struct error *error) {
    for (int capability = 0; capability < SET_BITS; capability++) {
        if ((drops & BIT(capability)) != 0 && cap_drop_bound(capability) != 0) {
            error_set(error, EXIT_STATUS_PRIVILEGES, "cannot drop %s from the bounding set: %s",
                capability_name(capability).text, strerror(errno));
            return -1;
        }
    }
    return 0;
}

/* As the engines do for a USER of their own: what stands behind /dev/stdout can be opened only by
 * whom it belongs to. A terminal is given away only inside of a container, and where the kernel
 * refuses (a read-only place, no CAP_CHOWN) what was inherited works all the same. */
static void standard_descriptors_give(uint32_t uid) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        struct stat status;
        if (fstat(fd, &status) == 0 && status.st_uid != uid &&
            (S_ISFIFO(status.st_mode) || (getpid() == 1 && isatty(fd) == 1))) {
            (void)!fchown(fd, uid, (gid_t)-1);
        }
    }
}

static int not_become(const char *what, uint32_t id, struct error *error) {
    error_set(error, EXIT_STATUS_PRIVILEGES, "cannot become %s %u: %s", what, id,
        errno == EINVAL ? "this user namespace does not have it" : strerror(errno));
    return -1;
}

static int user_change(
    const struct credentials_plan *plan, const struct user *user, struct error *error) {
    /* Until the next exec, and nothing before that changes a uid once more. */
    if (plan->keeps_capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return refused("cannot keep capabilities over the change of user", error);
    }
    if (plan->sets_uid) {
        standard_descriptors_give(user->uid);
    }
    if (plan->sets_groups && setgroups(user->group_count, user->groups) != 0) {
        return refused(errno == EINVAL
                ? "cannot set the supplementary groups: this user namespace does not have them all"
                : "cannot set the supplementary groups (a user namespace may forbid that in "
                  "/proc/self/setgroups)",
            error);
    }
    if (plan->sets_gid && setresgid(user->gid, user->gid, user->gid) != 0) {
        return not_become("gid", user->gid, error);
    }
    if (plan->sets_uid && setresuid(user->uid, user->uid, user->uid) != 0) {
        return not_become("uid", user->uid, error);
    }
    return 0;
}

static int flag_write(cap_t capabilities, cap_flag_t flag, uint64_t set) {
    for (int capability = 0; capability < SET_BITS; capability++) {
        const cap_value_t value = capability;
        if ((set & BIT(capability)) != 0 &&
            cap_set_flag(capabilities, flag, 1, &value, CAP_SET) != 0) {
            return -1;
        }
    }
    return 0;
}

static int capabilities_change(const struct credentials_plan *plan, struct error *error) {
    AUTO_CAPABILITIES cap_t capabilities = cap_init();
    if (capabilities == NULL || flag_write(capabilities, CAP_PERMITTED, plan->capabilities) != 0 ||
        flag_write(capabilities, CAP_EFFECTIVE, plan->capabilities) != 0 ||
        flag_write(capabilities, CAP_INHERITABLE, plan->inheritable) != 0 ||
        cap_set_proc(capabilities) != 0) {
        return refused("cannot set the capabilities", error);
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        return refused("cannot clear the ambient set", error);
    }
    for (int capability = 0; capability < SET_BITS; capability++) {
        if ((plan->capabilities & BIT(capability)) != 0 &&
            cap_set_ambient(capability, CAP_SET) != 0) {
            error_set(error, EXIT_STATUS_PRIVILEGES, "cannot raise %s in the ambient set: %s",
                capability_name(capability).text, strerror(errno));
            return -1;
        }
    }
    return 0;
}

int privileges_change(
    const struct credentials_plan *plan, const struct user *user, struct error *error) {
    int signal_at_death = 0;
    pid_t parent = getppid();
    int is_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_GET_PDEATHSIG, &signal_at_death, 0, 0, 0);
    if (bounding_drop(plan->bounding_drops, error) != 0 || user_change(plan, user, error) != 0 ||
        (plan->sets_capabilities && capabilities_change(plan, error) != 0)) {
        return -1;
    }
    if (plan->sets_no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return refused("cannot set no_new_privs", error);
    }
    if (is_dumpable == 1) {
        /* /proc/1 shall belong to who runs, as it would had the engine started us as that user:
         * images log to /proc/1/fd/1. Nothing that only root may see is in our memory. */
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
    if (signal_at_death != 0) {
        (void)prctl(PR_SET_PDEATHSIG, signal_at_death, 0, 0, 0);
        if (getppid() != parent) {
            /* It died meanwhile, and nothing will tell us any more. */
            _exit(EXIT_STATUS_SIGNAL_BASE + signal_at_death);
        }
    }
    return 0;
}
