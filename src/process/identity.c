/*
 * Owns the order of the change: read the two files, find the user, decide, change, read everything
 * back, and only then touch the environment. A change must not stop half way. So nothing is tried
 * that the decision already knows to be refused, and the result is compared with what was asked
 * for.
 */
#include "signalbox/process/identity.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/file.h"
#include "signalbox/base/text.h"
#include "signalbox/process/privileges.h"
#include "signalbox/process/user.h"

/* No image's list of users is this long; something else is meant by the path. */
enum { FILE_MOST = 1 << 20 };

/* Points *content at the file's text, or at NULL where there is no such file. */
static int list_read(
    const char *path, struct text *text, const char **content, struct error *error) {
    *content = NULL;
    switch (file_read(NULL, path, FILE_MOST, text, error)) {
    case FILE_MISSING:
        return 0;
    case FILE_UNREADABLE:
        return -1;
    case FILE_READ:
        break;
    }
    *content = text_string(text);
    if (strlen(*content) != text->length) {
        error_set(error, EXIT_STATUS_CONFIGURATION, "%s is not text: it has a NUL byte", path);
        return -1;
    }
    return 0;
}

/* What to name where it is about both. */
static const char *source_of(const struct identity_request *request) {
    return request->user == NULL ? request->caps_source : request->user_source;
}

/* Who is asked for, and whether HOME becomes theirs. */
static int user_read(const struct identity_request *request, uint32_t uid, struct user *user,
    bool *takes_home, struct error *error) {
    *takes_home = false;
    if (request->user == NULL) {
        return 0;
    }
    AUTO_TEXT struct text passwd = {.data = NULL};
    AUTO_TEXT struct text group = {.data = NULL};
    struct user_files files;
    struct user_word word;
    if (!user_word_parse(request->user, &word)) {
        error_set(error, EXIT_STATUS_USAGE, "`%s` is no user", request->user);
        return -1;
    }
    if (list_read("/etc/passwd", &passwd, &files.passwd, error) != 0 ||
        list_read("/etc/group", &group, &files.group, error) != 0) {
        return -1;
    }
    *takes_home = !word.user.is_number && user_home_is_unchosen(getenv("HOME"), uid, &files);
    return user_find(&word, &files, user, error);
}

static int refuse(const struct identity_request *request, const struct credentials *now,
    enum credentials_refusal refusal, uint64_t missing, struct error *error) {
    AUTO_TEXT struct text names = {.data = NULL};
    const char *remedy = now->uids[1] == 0
        ? "it was taken from this container: give it back (cap_add), or let the engine do the rest "
          "(USER in the Dockerfile, docker run --user)"
        : "start the container as root (docker run --user 0, `user: root`) and let --user do the "
          "rest, or remove this option";
    privileges_describe_capabilities(missing, &names);
    switch (refusal) {
    case CREDENTIALS_GRANTED:
        return 0;
    case CREDENTIALS_NOT_HELD:
        error_set(error, EXIT_STATUS_PRIVILEGES,
            "%s=%s: cannot keep %s, which uid %u does not have "
            "here: %s",
            request->caps_source, request->caps, text_string(&names), now->uids[1], remedy);
        break;
    case CREDENTIALS_NO_SETUID:
        error_set(error, EXIT_STATUS_PRIVILEGES,
            "%s=%s: changing the user needs CAP_SETUID (and CAP_SETGID), which uid %u does not "
            "have here: %s",
            request->user_source, request->user, now->uids[1], remedy);
        break;
    case CREDENTIALS_NO_SETGID:
        error_set(error, EXIT_STATUS_PRIVILEGES,
            "%s=%s: changing the groups needs CAP_SETGID, which uid %u does not have here: %s",
            request->user_source, request->user, now->uids[1], remedy);
        break;
    }
    return -1;
}

static int change(const struct identity_request *request, const struct credentials *now,
    const struct credentials_request *wanted, struct credentials *found, bool *is_bounding_fixed,
    struct error *error) {
    AUTO_TEXT struct text difference = {.data = NULL};
    struct credentials_plan plan;
    uint64_t missing = 0;
    enum credentials_refusal refusal = credentials_decide(now, wanted, &plan, &missing);
    if (refuse(request, now, refusal, missing, error) != 0) {
        return -1;
    }
    if (privileges_change(&plan, wanted->user, error) != 0 || privileges_read(found, error) != 0) {
        error_add_context(error, "%s", source_of(request));
        return -1;
    }
    if (!credentials_check(found, wanted, &plan, &difference)) {
        error_set(error, EXIT_STATUS_PRIVILEGES, "%s: the kernel did not do what was asked: %s",
            source_of(request), text_string(&difference));
        return -1;
    }
    *is_bounding_fixed = plan.is_bounding_fixed;
    return 0;
}

static void variable_set(const char *name, const char *value) {
    /* The one failure there can be is want of memory, and then nothing that follows works. */
    if (value == NULL) {
        (void)unsetenv(name);
    } else {
        (void)setenv(name, value, 1);
    }
}

static void describe(const struct user *user, const struct credentials *found,
    bool is_bounding_fixed, struct text *became) {
    text_append_format(became, "uid %u", found->uids[0]);
    if (user != NULL && user->name != NULL) {
        text_append_format(became, " (%s)", user->name);
    }
    text_append_format(became, ", gid %u, groups", found->gids[0]);
    for (size_t i = 0; i < found->group_count; i++) {
        text_append_format(became, " %u", found->groups[i]);
    }
    text_append_string(
        became, found->group_count == 0 ? " none; capabilities " : "; capabilities ");
    privileges_describe_capabilities(found->permitted, became);
    text_append_string(became, found->no_new_privs ? ", no_new_privs" : "");
    if (is_bounding_fixed) {
        text_append_string(became,
            "; the bounding set stays (lowering it needs CAP_SETPCAP), and has no effect under "
            "no_new_privs");
    }
}

int identity_take(
    const struct identity_request *request, struct text *became, struct error *error) {
    AUTO_USER struct user user = {.groups = NULL};
    AUTO_CREDENTIALS struct credentials now = {.groups = NULL};
    AUTO_CREDENTIALS struct credentials found = {.groups = NULL};
    struct credentials_request wanted = {.has_capabilities = request->caps != NULL};
    bool takes_home = false;
    bool is_bounding_fixed = false;
    if (request->user == NULL && request->caps == NULL) {
        return 0;
    }
    if ((request->caps != NULL &&
            privileges_parse_capabilities(request->caps, &wanted.capabilities, error) != 0) ||
        privileges_read(&now, error) != 0 ||
        user_read(request, now.uids[0], &user, &takes_home, error) != 0) {
        error_add_context(error, "%s", source_of(request));
        return -1;
    }
    wanted.user = request->user == NULL ? NULL : &user;
    if (change(request, &now, &wanted, &found, &is_bounding_fixed, error) != 0) {
        return -1;
    }
    if (wanted.user != NULL) {
        variable_set("USER", user.name);
        variable_set("LOGNAME", user.name);
    }
    if (takes_home) {
        variable_set("HOME", user.home);
    }
    describe(wanted.user, &found, is_bounding_fixed, became);
    return 0;
}
