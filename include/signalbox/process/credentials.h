/*
 * What the kernel knows of this process's privileges, and the decision how to get from what it has
 * to what was asked for. Pure: privileges.h reads and changes. A set of capabilities is a word with
 * a bit for each of capabilities(7), by its number.
 */
#ifndef SIGNALBOX_PROCESS_CREDENTIALS_H
#define SIGNALBOX_PROCESS_CREDENTIALS_H

#include "signalbox/base/text.h"
#include "signalbox/process/user.h"

struct credentials {
    uint32_t uids[3]; /* Real, effective, saved. */
    uint32_t gids[3];
    uint32_t *groups; /* The supplementary ones, in any order; owned. */
    size_t group_count;
    uint64_t permitted;
    uint64_t effective;
    uint64_t inheritable;
    uint64_t ambient;
    uint64_t bounding;
    bool no_new_privs;
};

void credentials_release(struct credentials *credentials);
#define AUTO_CREDENTIALS __attribute__((cleanup(credentials_release)))

struct credentials_request {
    const struct user *user; /* NULL: stay who we are. */
    bool has_capabilities;   /* Otherwise they are what the kernel makes of them. */
    uint64_t capabilities;   /* Kept, and raised as ambient; everything else goes. */
};

/* Each is needed, or not, in this order. */
struct credentials_plan {
    uint64_t bounding_drops;
    bool keeps_capabilities; /* Over the change of uid, which would clear them. */
    bool sets_groups;
    bool sets_gid;
    bool sets_uid;
    bool sets_capabilities; /* Permitted, effective, inheritable, then ambient: to the next. */
    uint64_t capabilities;
    uint64_t inheritable;
    bool sets_no_new_privs;
    /* The bounding set is more than was asked for and not ours to lower. It has no effect
     * under no_new_privs, with which no exec gains anything (prctl(2)). */
    bool is_bounding_fixed;
};

enum credentials_refusal {
    CREDENTIALS_GRANTED,
    CREDENTIALS_NOT_HELD, /* To keep what one does not have would be to gain it. */
    CREDENTIALS_NO_SETUID,
    CREDENTIALS_NO_SETGID
};

/* Whether this process may become what is asked for, and how. For CREDENTIALS_NOT_HELD `*missing`
 * are the capabilities that it does not have. */
enum credentials_refusal credentials_decide(const struct credentials *now,
    const struct credentials_request *request, struct credentials_plan *plan,
    uint64_t *missing) MUST_USE;

/* Whether what was found afterwards is what was asked for. Otherwise `difference` says in words
 * what is not. */
bool credentials_check(const struct credentials *found, const struct credentials_request *request,
    const struct credentials_plan *plan, struct text *difference) MUST_USE;

#endif
