/*
 * Owns what may be asked for, which changes it needs, and what must be true afterwards. Makes no
 * system call.
 * The trap: the kernel clears capabilities only when the last uid of 0 goes, and grants them again
 * at the next exec of root or of a file that has some. So every capability that is not to be kept
 * is removed from every set by name, and nothing is believed before it has been read again.
 */
#include "signalbox/process/credentials.h"
#include "signalbox/base/text.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define BIT(capability) (UINT64_C(1) << (capability))

static bool all_are(const uint32_t ids[3], uint32_t id) {
    return ids[0] == id && ids[1] == id && ids[2] == id;
}

static bool is_any_root(const uint32_t uids[3]) {
    return uids[0] == 0 || uids[1] == 0 || uids[2] == 0;
}

static bool has_group(const uint32_t *groups, size_t count, uint32_t group) {
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

static bool contains_groups(
    const uint32_t *groups, size_t count, const uint32_t *others, size_t other_count) {
    for (size_t i = 0; i < other_count; i++) {
        if (!has_group(groups, count, others[i])) {
            return false;
        }
    }
    return true;
}

/* As sets: some kernels' interfaces sort them, and some engines name one twice. */
static bool has_groups_of(const struct credentials *credentials, const struct user *user) {
    return contains_groups(
               credentials->groups, credentials->group_count, user->groups, user->group_count) &&
        contains_groups(
            user->groups, user->group_count, credentials->groups, credentials->group_count);
}

void credentials_release(struct credentials *credentials) {
    free(credentials->groups);
    credentials->groups = NULL;
    credentials->group_count = 0;
}

static void plan_user(
    const struct credentials *now, const struct user *user, struct credentials_plan *plan) {
    plan->sets_groups = !has_groups_of(now, user);
    plan->sets_gid = !all_are(now->gids, user->gid);
    plan->sets_uid = !all_are(now->uids, user->uid);
}

enum credentials_refusal credentials_decide(const struct credentials *now,
    const struct credentials_request *request, struct credentials_plan *plan, uint64_t *missing) {
    const struct user *user = request->user;
    bool leaves_root = user != NULL && user->uid != 0 && is_any_root(now->uids);
    *plan = (struct credentials_plan){.inheritable = now->inheritable};
    *missing = 0;
    if (user != NULL) {
        plan_user(now, user, plan);
    }
    if (request->has_capabilities) {
        *missing = request->capabilities & ~now->permitted;
        bool may_lower = (now->effective & BIT(CAP_SETPCAP)) != 0;
        uint64_t superfluous = now->bounding & ~request->capabilities;
        plan->bounding_drops = may_lower ? superfluous : 0;
        plan->is_bounding_fixed = !may_lower && superfluous != 0;
        plan->keeps_capabilities = leaves_root && request->capabilities != 0;
        plan->capabilities = request->capabilities;
        plan->inheritable = request->capabilities;
        plan->sets_no_new_privs = true;
    }
    plan->sets_capabilities = request->has_capabilities || leaves_root;
    if (*missing != 0) {
        return CREDENTIALS_NOT_HELD;
    }
    if (plan->sets_uid && (now->effective & BIT(CAP_SETUID)) == 0) {
        return CREDENTIALS_NO_SETUID;
    }
    if ((plan->sets_gid || plan->sets_groups) && (now->effective & BIT(CAP_SETGID)) == 0) {
        return CREDENTIALS_NO_SETGID;
    }
    return CREDENTIALS_GRANTED;
}

static bool check_ids(
    const char *what, const uint32_t ids[3], uint32_t id, struct text *difference) {
    if (all_are(ids, id)) {
        return true;
    }
    text_append_format(
        difference, "the %ss are %u, %u and %u and not %u", what, ids[0], ids[1], ids[2], id);
    return false;
}

static bool check_set(const char *name, uint64_t found, uint64_t wanted, struct text *difference) {
    if (found == wanted) {
        return true;
    }
    text_append_format(difference, "the %s capabilities are %016" PRIx64 " and not %016" PRIx64,
        name, found, wanted);
    return false;
}

static bool check_user(
    const struct credentials *found, const struct user *user, struct text *difference) {
    if (!check_ids("uid", found->uids, user->uid, difference) ||
        !check_ids("gid", found->gids, user->gid, difference)) {
        return false;
    }
    if (!has_groups_of(found, user)) {
        text_append_string(difference, "the supplementary groups are not those of the user");
        return false;
    }
    return true;
}

bool credentials_check(const struct credentials *found, const struct credentials_request *request,
    const struct credentials_plan *plan, struct text *difference) {
    if (request->user != NULL && !check_user(found, request->user, difference)) {
        return false;
    }
    if (plan->sets_capabilities &&
        (!check_set("permitted", found->permitted, plan->capabilities, difference) ||
            !check_set("effective", found->effective, plan->capabilities, difference) ||
            !check_set("inheritable", found->inheritable, plan->inheritable, difference) ||
            !check_set("ambient", found->ambient, plan->capabilities, difference))) {
        return false;
    }
    if (request->has_capabilities && !plan->is_bounding_fixed &&
        !check_set("bounding", found->bounding, found->bounding & plan->capabilities, difference)) {
        return false;
    }
    if (plan->sets_no_new_privs && !found->no_new_privs) {
        text_append_string(difference, "no_new_privs is not set");
        return false;
    }
    return true;
}
