/*
 * Which changes a request takes from where a process stands, when it is refused, and what has to be
 * found afterwards; and capabilities by name.
 */
#include "unit.h"

#include <linux/capability.h>

#include "signalbox/base/text.h"
#include "signalbox/process/credentials.h"
#include "signalbox/process/privileges.h"

#define SET(capability) (UINT64_C(1) << (capability))
#define CHANGERS (SET(CAP_SETUID) | SET(CAP_SETGID) | SET(CAP_SETPCAP))
#define BIND SET(CAP_NET_BIND_SERVICE)
#define DOCKER (CHANGERS | BIND | SET(CAP_CHOWN) | SET(CAP_KILL))

static uint32_t own_group[] = {1000};
static uint32_t more_groups[] = {1000, 44, 50};
static uint32_t same_groups[] = {50, 1000, 44, 1000};
static uint32_t root_group[] = {0};

static struct credentials root_with(uint64_t set) {
    return (struct credentials){.permitted = set,
        .effective = set,
        .bounding = set,
        .groups = root_group,
        .group_count = 1};
}

static struct credentials app_with(uint64_t bounding) {
    return (struct credentials){.uids = {1000, 1000, 1000},
        .gids = {1000, 1000, 1000},
        .groups = own_group,
        .group_count = 1,
        .bounding = bounding};
}

static const struct user app = {
    .uid = 1000, .gid = 1000, .groups = own_group, .group_count = ARRAY_LENGTH(own_group)};
static const struct user app_in_more = {
    .uid = 1000, .gid = 1000, .groups = more_groups, .group_count = ARRAY_LENGTH(more_groups)};

struct decision {
    enum credentials_refusal refusal;
    uint64_t missing;
    struct credentials_plan plan;
};

static struct decision decide(
    const struct credentials *now, const struct user *user, bool has_set, uint64_t set) {
    struct decision decision;
    const struct credentials_request request = {
        .user = user, .has_capabilities = has_set, .capabilities = set};
    decision.refusal = credentials_decide(now, &request, &decision.plan, &decision.missing);
    return decision;
}

static void root_becomes_a_user(void **state) {
    (void)state;
    struct credentials now = root_with(DOCKER);
    struct decision decision = decide(&now, &app, false, 0);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_true(decision.plan.sets_groups && decision.plan.sets_gid && decision.plan.sets_uid);
    assert_true(decision.plan.sets_capabilities);
    assert_int_equal(decision.plan.capabilities, 0);
    assert_int_equal(decision.plan.bounding_drops, 0);
    assert_false(decision.plan.keeps_capabilities);
    assert_false(decision.plan.sets_no_new_privs);
}

static void root_becomes_a_user_and_keeps_one_capability(void **state) {
    (void)state;
    struct credentials now = root_with(DOCKER);
    struct decision decision = decide(&now, &app, true, BIND);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_int_equal(decision.plan.bounding_drops, DOCKER & ~BIND);
    assert_true(decision.plan.keeps_capabilities);
    assert_int_equal(decision.plan.capabilities, BIND);
    assert_int_equal(decision.plan.inheritable, BIND);
    assert_true(decision.plan.sets_no_new_privs);
    assert_false(decision.plan.is_bounding_fixed);
}

static void nothing_is_kept_over_a_change_where_nothing_was_asked_for(void **state) {
    (void)state;
    struct credentials now = root_with(DOCKER);
    struct decision decision = decide(&now, &app, true, 0);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_false(decision.plan.keeps_capabilities);
    assert_int_equal(decision.plan.bounding_drops, DOCKER);
    decision = decide(&now, NULL, true, BIND);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_false(decision.plan.keeps_capabilities);
    assert_false(decision.plan.sets_uid || decision.plan.sets_gid || decision.plan.sets_groups);
}

static void who_is_the_user_already_needs_nothing(void **state) {
    (void)state;
    struct credentials now = app_with(0);
    struct decision decision = decide(&now, &app, true, 0);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_false(decision.plan.sets_uid || decision.plan.sets_gid || decision.plan.sets_groups);
    assert_false(decision.plan.is_bounding_fixed);
    decision = decide(&now, &app, false, 0);
    assert_false(decision.plan.sets_capabilities);
    now.groups = same_groups;
    now.group_count = ARRAY_LENGTH(same_groups);
    assert_int_equal(decide(&now, &app_in_more, false, 0).refusal, CREDENTIALS_GRANTED);
}

static void a_bounding_set_that_is_not_ours_to_lower_is_left(void **state) {
    (void)state;
    struct credentials now = app_with(DOCKER);
    struct decision decision = decide(&now, NULL, true, 0);
    assert_int_equal(decision.refusal, CREDENTIALS_GRANTED);
    assert_true(decision.plan.is_bounding_fixed);
    assert_int_equal(decision.plan.bounding_drops, 0);
    assert_true(decision.plan.sets_no_new_privs);
}

static void what_one_may_not_do_is_refused(void **state) {
    (void)state;
    struct credentials user = app_with(DOCKER);
    struct credentials bare_root = root_with(0);
    struct credentials no_setgid = root_with(DOCKER & ~SET(CAP_SETGID));
    struct credentials no_setuid = root_with(DOCKER & ~SET(CAP_SETUID));
    const struct user other = {.uid = 2, .gid = 2, .groups = root_group, .group_count = 1};

    struct decision decision = decide(&user, NULL, true, BIND | SET(CAP_CHOWN));
    assert_int_equal(decision.refusal, CREDENTIALS_NOT_HELD);
    assert_int_equal(decision.missing, BIND | SET(CAP_CHOWN));
    assert_int_equal(decide(&bare_root, &app, true, BIND).refusal, CREDENTIALS_NOT_HELD);
    assert_int_equal(decide(&bare_root, &app, false, 0).refusal, CREDENTIALS_NO_SETUID);
    assert_int_equal(decide(&no_setuid, &app, false, 0).refusal, CREDENTIALS_NO_SETUID);
    assert_int_equal(decide(&no_setgid, &app, false, 0).refusal, CREDENTIALS_NO_SETGID);
    assert_int_equal(decide(&user, &other, false, 0).refusal, CREDENTIALS_NO_SETUID);
    /* The groups of an image's USER are its own alone; more of them are somebody's to give. */
    assert_int_equal(decide(&user, &app_in_more, false, 0).refusal, CREDENTIALS_NO_SETGID);
}

static void spoil_uid(struct credentials *found) {
    found->uids[2] = 0;
}
static void spoil_gid(struct credentials *found) {
    found->gids[0] = 0;
}
static void spoil_group(struct credentials *found) {
    found->groups = root_group;
}
static void spoil_more_groups(struct credentials *found) {
    found->groups = more_groups;
    found->group_count = ARRAY_LENGTH(more_groups);
}
static void spoil_no_groups(struct credentials *found) {
    found->group_count = 0;
}
static void spoil_permitted(struct credentials *found) {
    found->permitted |= 1;
}
static void spoil_effective(struct credentials *found) {
    found->effective = 0;
}
static void spoil_inheritable(struct credentials *found) {
    found->inheritable = 0;
}
static void spoil_ambient(struct credentials *found) {
    found->ambient = 0;
}
static void spoil_bounding(struct credentials *found) {
    found->bounding |= SET(63);
}
static void spoil_no_new_privs(struct credentials *found) {
    found->no_new_privs = false;
}

static void whatever_is_not_as_asked_is_found(void **state) {
    (void)state;
    static const struct {
        void (*spoil)(struct credentials *found);
        const char *difference;
    } rows[] = {
        {spoil_uid, "the uids are 1000, 1000 and 0 and not 1000"},
        {spoil_gid, "the gids are 0, 1000 and 1000 and not 1000"},
        {spoil_group, "the supplementary groups are not those of the user"},
        {spoil_more_groups, "the supplementary groups are not those of the user"},
        {spoil_no_groups, "the supplementary groups are not those of the user"},
        {spoil_permitted,
            "the permitted capabilities are 0000000000000401 and not 0000000000000400"},
        {spoil_effective,
            "the effective capabilities are 0000000000000000 and not 0000000000000400"},
        {spoil_inheritable,
            "the inheritable capabilities are 0000000000000000 and not 0000000000000400"},
        {spoil_ambient, "the ambient capabilities are 0000000000000000 and not 0000000000000400"},
        {spoil_bounding, "the bounding capabilities are 8000000000000400 and not 0000000000000400"},
        {spoil_no_new_privs, "no_new_privs is not set"},
    };
    const struct credentials_request request = {
        .user = &app, .has_capabilities = true, .capabilities = BIND};
    struct credentials now = root_with(DOCKER);
    struct decision decision = decide(&now, &app, true, BIND);
    struct credentials as_asked = app_with(BIND);
    as_asked.permitted = as_asked.effective = as_asked.inheritable = as_asked.ambient = BIND;
    as_asked.no_new_privs = true;
    AUTO_TEXT struct text no_difference = {.data = NULL};
    assert_true(credentials_check(&as_asked, &request, &decision.plan, &no_difference));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text difference = {.data = NULL};
        struct credentials found = as_asked;
        rows[i].spoil(&found);
        assert_false(credentials_check(&found, &request, &decision.plan, &difference));
        assert_string_equal(text_string(&difference), rows[i].difference);
    }
}

static void what_leaving_root_takes_must_be_gone(void **state) {
    (void)state;
    const struct credentials_request request = {.user = &app};
    struct credentials now = root_with(DOCKER);
    struct decision decision = decide(&now, &app, false, 0);
    struct credentials found = app_with(DOCKER);
    AUTO_TEXT struct text difference = {.data = NULL};
    assert_true(credentials_check(&found, &request, &decision.plan, &difference));
    found.permitted = SET(CAP_SYS_ADMIN);
    assert_false(credentials_check(&found, &request, &decision.plan, &difference));
}

static void capabilities_have_names(void **state) {
    (void)state;
    static const struct {
        const char *list;
        uint64_t set;
        const char *described;
    } rows[] = {
        {"none", 0, "none"},
        {"net_bind_service", BIND, "net_bind_service"},
        {"CAP_NET_BIND_SERVICE", BIND, "net_bind_service"},
        {"cap_chown,NET_BIND_SERVICE,Chown", BIND | 1, "chown,net_bind_service"},
        {"checkpoint_restore", SET(CAP_CHECKPOINT_RESTORE), "checkpoint_restore"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_TEXT struct text described = {.data = NULL};
        struct error error;
        uint64_t set = UINT64_MAX;
        assert_int_equal(privileges_parse_capabilities(rows[i].list, &set, &error), 0);
        assert_int_equal(set, rows[i].set);
        privileges_describe_capabilities(set, &described);
        assert_string_equal(text_string(&described), rows[i].described);
    }
    AUTO_TEXT struct text unnamed = {.data = NULL};
    privileges_describe_capabilities(SET(63) | 1, &unnamed);
    assert_string_equal(text_string(&unnamed), "chown,63");
}

static void what_is_no_capability_is_refused_with_the_nearest(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *said;
    } rows[] = {
        {"net_bind", "`net_bind` is not a capability: did you mean net_bind_service?"},
        {"net_bind_servcie",
            "`net_bind_servcie` is not a capability: did you mean net_bind_service?"},
        {"CAP_SETUDI", "`CAP_SETUDI` is not a capability: did you mean setuid?"},
        {"chown,kil", "`kil` is not a capability: did you mean kill?"},
        {" chown", "` chown` is not a capability: did you mean chown?"},
        {"",
            "a name is missing: use none, or names such as net_bind_service with commas between "
            "them"},
        {"chown,",
            "a name is missing: use none, or names such as net_bind_service with commas "
            "between them"},
        {"cap_",
            "a name is missing: use none, or names such as net_bind_service with commas "
            "between them"},
        {"none,chown", "`none` stands alone"},
        {"ALL",
            "`all` is not a capability: without this option the command keeps all that there are"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct error error;
        uint64_t set = 0;
        assert_int_equal(privileges_parse_capabilities(rows[i].list, &set, &error), -1);
        assert_string_equal(error.text, rows[i].said);
        assert_int_equal(error.exit_status, 64);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_becomes_a_user),
        cmocka_unit_test(root_becomes_a_user_and_keeps_one_capability),
        cmocka_unit_test(nothing_is_kept_over_a_change_where_nothing_was_asked_for),
        cmocka_unit_test(who_is_the_user_already_needs_nothing),
        cmocka_unit_test(a_bounding_set_that_is_not_ours_to_lower_is_left),
        cmocka_unit_test(what_one_may_not_do_is_refused),
        cmocka_unit_test(whatever_is_not_as_asked_is_found),
        cmocka_unit_test(what_leaving_root_takes_must_be_gone),
        cmocka_unit_test(capabilities_have_names),
        cmocka_unit_test(what_is_no_capability_is_refused_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
