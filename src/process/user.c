/*
 * Owns the syntax of the user's word and of the two files. Opens nothing and changes nothing.
 * fgetpwent(3) and fgetgrent(3) are not used: they skip a malformed line silently, and musl's read
 * an id that is too large as another one.
 * The trap: strtoul takes '', '-1', ' 0' and '0x' for numbers, so a variable that is not set
 * becomes root, and a line that is nearly right becomes another user. What is not exactly a number
 * is none here, and a malformed line is an error if it is the one that counts.
 */
#include "signalbox/process/user.h"

#include <stdlib.h>
#include <string.h>

#include "signalbox/base/exit_status.h"
#include "signalbox/base/memory.h"
#include "signalbox/base/string.h"

#define PASSWD "/etc/passwd"
#define GROUP "/etc/group"
#define HIGHEST_ID (UINT32_MAX - 1)

enum { PASSWD_NAME, PASSWD_PASSWORD, PASSWD_UID, PASSWD_GID, PASSWD_GECOS, PASSWD_HOME };
enum { GROUP_NAME, GROUP_PASSWORD, GROUP_GID, GROUP_MEMBERS };
enum { PASSWD_FIELDS = 7, GROUP_FIELDS = 4, MOST_FIELDS = 7 };

/* A part of a text that is not ours. */
struct slice {
    const char *start;
    size_t length;
};

struct line {
    struct slice fields[MOST_FIELDS];
    size_t count; /* Of all its fields, also of those that have no room. */
    size_t number;
    const char *rest; /* Of the text, behind this line. */
};

static struct line line_before(const char *text) {
    return (struct line){.rest = text};
}

/* Goes to the next line; false when there is none. */
static bool line_next(struct line *line) {
    if (line->rest == NULL || line->rest[0] == '\0') {
        return false;
    }
    line->number++;
    line->count = 0;
    const char *at = line->rest;
    while (true) {
        size_t length = strcspn(at, ":\n");
        if (line->count < MOST_FIELDS) {
            line->fields[line->count] = (struct slice){.start = at, .length = length};
        }
        line->count++;
        at += length;
        if (*at != ':') {
            break;
        }
        at++;
    }
    line->rest = *at == '\n' ? at + 1 : at;
    return true;
}

static bool slice_is(struct slice slice, const char *text, size_t length) {
    return slice.length == length && memcmp(slice.start, text, length) == 0;
}

/* Decimal digits without a zero in front, up to HIGHEST_ID. */
static bool id_parse(const char *text, size_t length, uint32_t *id) {
    uint64_t value = 0;
    if (length == 0 || length > strlen("4294967294") || (text[0] == '0' && length > 1)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > HIGHEST_ID) {
        return false;
    }
    *id = (uint32_t)value;
    return true;
}

static bool slice_is_id(struct slice slice, uint32_t id) {
    uint32_t found = 0;
    return id_parse(slice.start, slice.length, &found) && found == id;
}

/* What begins like a number or like an option or a NIS entry is no name. */
static bool is_name(const char *text, size_t length) {
    if (length == 0 || strchr("+-0123456789", text[0]) != NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte <= ' ' || byte == '/' || byte == ',' || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool part_parse(const char *text, size_t length, struct user_part *part) {
    *part = (struct user_part){.text = text, .length = length};
    part->is_number = id_parse(text, length, &part->number);
    return part->is_number || is_name(text, length);
}

bool user_word_parse(const char *word, struct user_word *parsed) {
    size_t length = strcspn(word, ":");
    *parsed = (struct user_word){.user = {.text = NULL}};
    if (!part_parse(word, length, &parsed->user)) {
        return false;
    }
    const char *group = word + length + 1;
    return word[length] == '\0' ||
        (strchr(group, ':') == NULL && part_parse(group, strlen(group), &parsed->group));
}

static int malformed(
    const char *file, const struct line *line, const char *form, struct error *error) {
    error_set(
        error, EXIT_STATUS_CONFIGURATION, "line %zu of %s is not %s", line->number, file, form);
    return -1;
}

static int malformed_passwd(const struct line *line, struct error *error) {
    return malformed(PASSWD, line, "NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL", error);
}

static int malformed_group(const struct line *line, struct error *error) {
    return malformed(GROUP, line, "NAME:PASSWORD:GID:MEMBERS", error);
}

static int unknown(const char *what, const struct user_part *part, const char *file, bool has_file,
    struct error *error) {
    error_set(error, EXIT_STATUS_CONFIGURATION,
        "there is no %s `%.*s`: this image%s %s%s; make it in the Dockerfile, or give numbers "
        "(1000:1000)",
        what, (int)part->length, part->text, has_file ? "'s" : " has no", file,
        has_file ? " does not name it" : "");
    return -1;
}

/* The line of /etc/passwd that counts for this part; false when there is none. */
static bool passwd_find(const struct user_part *part, const char *passwd, struct line *line) {
    *line = line_before(passwd);
    while (line_next(line)) {
        if (part->is_number
                ? line->count > PASSWD_UID && slice_is_id(line->fields[PASSWD_UID], part->number)
                : slice_is(line->fields[PASSWD_NAME], part->text, part->length)) {
            return true;
        }
    }
    return false;
}

static int passwd_read(
    const struct user_part *part, const char *passwd, struct user *user, struct error *error) {
    struct line line;
    if (!passwd_find(part, passwd, &line)) {
        user->uid = part->number;
        return part->is_number ? 0 : unknown("user", part, PASSWD, passwd != NULL, error);
    }
    const struct slice *fields = line.fields;
    if (line.count != PASSWD_FIELDS || fields[PASSWD_NAME].length == 0 ||
        !id_parse(fields[PASSWD_UID].start, fields[PASSWD_UID].length, &user->uid) ||
        !id_parse(fields[PASSWD_GID].start, fields[PASSWD_GID].length, &user->gid)) {
        return malformed_passwd(&line, error);
    }
    user->name = string_copy_part(fields[PASSWD_NAME].start, fields[PASSWD_NAME].length);
    user->home = fields[PASSWD_HOME].length == 0
        ? string_copy("/")
        : string_copy_part(fields[PASSWD_HOME].start, fields[PASSWD_HOME].length);
    return 0;
}

static void groups_add(struct user *user, uint32_t gid) {
    for (size_t i = 0; i < user->group_count; i++) {
        if (user->groups[i] == gid) {
            return;
        }
    }
    user->groups = memory_grow(user->groups, user->group_count, sizeof *user->groups);
    user->groups[user->group_count++] = gid;
}

static bool has_member(struct slice members, const char *name) {
    size_t length = strlen(name);
    size_t at = 0;
    while (at <= members.length) {
        const char *start = members.start + at;
        const char *comma = memchr(start, ',', members.length - at);
        size_t member = comma == NULL ? members.length - at : (size_t)(comma - start);
        if (member == length && memcmp(start, name, length) == 0) {
            return true;
        }
        at += member + 1;
    }
    return false;
}

static int memberships_read(const char *group, struct user *user, struct error *error) {
    struct line line = line_before(group);
    while (line_next(&line)) {
        uint32_t gid = 0;
        if (line.count <= GROUP_MEMBERS || !has_member(line.fields[GROUP_MEMBERS], user->name)) {
            continue;
        }
        if (line.count != GROUP_FIELDS ||
            !id_parse(line.fields[GROUP_GID].start, line.fields[GROUP_GID].length, &gid)) {
            return malformed_group(&line, error);
        }
        groups_add(user, gid);
    }
    return 0;
}

/* The group that was named with the user. */
static int group_read(
    const struct user_part *part, const char *group, struct user *user, struct error *error) {
    struct line line = line_before(group);
    if (part->is_number) {
        user->gid = part->number;
        return 0;
    }
    while (line_next(&line)) {
        if (!slice_is(line.fields[GROUP_NAME], part->text, part->length)) {
            continue;
        }
        if (line.count != GROUP_FIELDS ||
            !id_parse(line.fields[GROUP_GID].start, line.fields[GROUP_GID].length, &user->gid)) {
            return malformed_group(&line, error);
        }
        return 0;
    }
    return unknown("group", part, GROUP, group != NULL, error);
}

int user_find(const struct user_word *word, const struct user_files *files, struct user *user,
    struct error *error) {
    *user = (struct user){.groups = NULL};
    if (passwd_read(&word->user, files->passwd, user, error) != 0) {
        return -1;
    }
    if (word->group.length > 0) {
        if (group_read(&word->group, files->group, user, error) != 0) {
            return -1;
        }
        groups_add(user, user->gid);
        return 0;
    }
    if (user->name == NULL) {
        error_set(error, EXIT_STATUS_CONFIGURATION,
            "uid %u has no line in " PASSWD ", so its group is not known: say which (%u:GROUP)",
            user->uid, user->uid);
        return -1;
    }
    groups_add(user, user->gid);
    return memberships_read(files->group, user, error);
}

void user_release(struct user *user) {
    free(user->groups);
    free(user->name);
    free(user->home);
    *user = (struct user){.groups = NULL};
}

bool user_home_is_unchosen(const char *home, uint32_t uid, const struct user_files *files) {
    const struct user_part part = {.is_number = true, .number = uid};
    struct line line;
    if (home == NULL || home[0] == '\0' || strcmp(home, "/") == 0) {
        return true;
    }
    return passwd_find(&part, files->passwd, &line) && line.count > PASSWD_HOME &&
        slice_is(line.fields[PASSWD_HOME], home, strlen(home));
}
