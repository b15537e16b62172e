/*
 * Who --user=NAME[:GROUP] means, by the image's own /etc/passwd and /etc/group as passwd(5) and
 * group(5) describe them. Pure: the word and the files come in as text, and a static binary has no
 * other directory to ask. A word of digits is always a number, whatever names there are.
 */
#ifndef SIGNALBOX_PROCESS_USER_H
#define SIGNALBOX_PROCESS_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signalbox/base/cleanup.h"
#include "signalbox/base/error.h"

/* A name or a number, as a part of the text it was read from. */
struct user_part {
    const char *text;
    size_t length; /* 0: not given. */
    bool is_number;
    uint32_t number;
};

struct user_word {
    struct user_part user;
    struct user_part group;
};

/* Points into `word`. False for whatever is neither a name nor a number from 0 to 4294967294 (the
 * next one means "nobody" to the kernel), and for empty parts: '' and ':' are not root. */
bool user_word_parse(const char *word, struct user_word *parsed) MUST_USE;

struct user {
    uint32_t uid;
    uint32_t gid;
    uint32_t *groups; /* `gid` first, each once: what the supplementary groups shall be. */
    size_t group_count;
    char *name; /* NULL where the uid has no line in /etc/passwd. */
    char *home; /* NULL likewise. */
};

/* The text of the two files; NULL where the image has none. */
struct user_files {
    const char *passwd;
    const char *group;
};

/*
 * The first line that matches counts. Without a group: the user's own, with all that it is a member
 * of. With one: that one and no other, as for the engines' own --user. -1 with the error filled
 * (78) for an unknown name, a number whose group is not known, and a matching line that is
 * malformed. Release the user in any case.
 */
int user_find(const struct user_word *word, const struct user_files *files, struct user *user,
    struct error *error) MUST_USE;
void user_release(struct user *user);
#define AUTO_USER __attribute__((cleanup(user_release)))

/*
 * Whether HOME was not chosen. An engine that is told nothing sets it to the home of the
 * user that it starts, or to "/" where that has none; anything else comes from the image or from
 * its user, and is meant for the command. `uid` is the one we were started with.
 */
bool user_home_is_unchosen(const char *home, uint32_t uid, const struct user_files *files);

#endif
