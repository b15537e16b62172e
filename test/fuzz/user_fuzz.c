/*
 * Any word, and any two files, parted by NULs: nobody is found whom the word does not name, and
 * nobody whose numbers mean "nobody" to the kernel.
 */
#include <string.h>

#include "fuzz.h"
#include "signalbox/base/cleanup.h"
#include "signalbox/base/string.h"
#include "signalbox/process/user.h"

static void check_part(const struct user_part *part) {
    HOLDS(memchr(part->text, ':', part->length) == NULL);
    HOLDS(memchr(part->text, '\n', part->length) == NULL);
    HOLDS(part->is_number || part->text[0] < '0' || part->text[0] > '9');
    HOLDS(!part->is_number || part->number != UINT32_MAX);
}

static void check_user(const struct user_word *word, const struct user *user) {
    HOLDS(user->uid != UINT32_MAX && user->gid != UINT32_MAX);
    HOLDS(user->group_count > 0 && user->groups[0] == user->gid);
    HOLDS(word->group.length == 0 || user->group_count == 1);
    HOLDS((user->name == NULL) == (user->home == NULL));
    if (word->user.is_number) {
        HOLDS(user->uid == word->user.number);
    } else {
        HOLDS(strlen(user->name) == word->user.length);
        HOLDS(memcmp(user->name, word->user.text, word->user.length) == 0);
    }
    for (size_t i = 0; i < user->group_count; i++) {
        for (size_t j = 0; j < i; j++) {
            HOLDS(user->groups[i] != user->groups[j]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_FREE char *text = string_copy_part((const char *)data, size);
    const char *end = text + size;
    const char *passwd = text + strlen(text) + (text + strlen(text) < end ? 1 : 0);
    const char *group = passwd + strlen(passwd) + (passwd + strlen(passwd) < end ? 1 : 0);
    const struct user_files files = {.passwd = passwd, .group = group};
    AUTO_USER struct user user = {.groups = NULL};
    struct user_word word;
    struct error error = {.text = ""};
    if (!user_word_parse(text, &word)) {
        return 0;
    }
    check_part(&word.user);
    if (word.group.length > 0) {
        check_part(&word.group);
    }
    if (user_find(&word, &files, &user, &error) == 0) {
        check_user(&word, &user);
    } else {
        HOLDS(error.exit_status == 78 && error.text[0] != '\0');
    }
    (void)user_home_is_unchosen(text, user.uid, &files);
    return 0;
}
