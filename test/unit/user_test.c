/*
 * Who a word means, by files as images have them, and which words mean nobody.
 */
#include "unit.h"

#include "signalbox/base/text.h"
#include "signalbox/process/user.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "# a comment: with colons: in it\n"
                             "\n"
                             "+::::::\n"
                             "rails:x:1000:1000::/home/rails:/bin/bash\n"
                             "rails:x:1:1:a second one of this name:/second:/bin/bash\n"
                             "twin:x:1000:1001:a second one of this uid:/twin:/bin/bash\n"
                             "homeless:x:1002:1002:::\n"
                             "odd.user-name_1$:x:1003:1003::/odd:/bin/sh\n"
                             "short:x:1004:1004\n"
                             "bad-uid:x:1005x:1005::/:/bin/sh\n"
                             "bad-gid:x:1006:-1::/:/bin/sh\n"
                             "nobody-uid:x:4294967295:1::/:/bin/sh\n"
                             "long:x:1007:1007::/:/bin/sh:more\n"
                             "member-of-bad:x:1008:1008::/:/bin/sh\n"
                             "two:x\n"
                             "last:x:1009:4294967294::/last:/bin/sh";

static const char group[] = "root:x:0:\n"
                            "staff:x:50:rails,somebody\n"
                            "rails:x:1000:rails\n"
                            "video:x:44:somebody,rails\n"
                            "notrails:x:45:xrails,railsx\n"
                            "short:x:46\n"
                            "bad:x:x:member-of-bad\n"
                            "staff:x:51:\n"
                            "audio:x:29:rails";

static const struct user_files image = {.passwd = passwd, .group = group};
static const struct user_files empty = {.passwd = "", .group = ""};
static const struct user_files none = {.passwd = NULL, .group = NULL};

static void only_exact_words_are_taken(void **state) {
    (void)state;
    static const struct {
        const char *word;
        bool is_taken;
    } rows[] = {
        {"rails", true},
        {"rails:staff", true},
        {"1000", true},
        {"1000:1000", true},
        {"rails:0", true},
        {"0", true},
        {"0:0", true},
        {"4294967294", true},
        {"_apt", true},
        {"odd.user-name_1$", true},
        {"r\xc3\xa9gis", true},
        {"", false},
        {":", false},
        {"::", false},
        {":staff", false},
        {"rails:", false},
        {"1000:", false},
        {"rails:staff:more", false},
        {"rails::", false},
        {"-1", false},
        {"rails:-1", false},
        {"+0", false},
        {"4294967295", false},
        {"4294967296", false},
        {"0:4294967295", false},
        {"18446744073709551616", false},
        {"99999999999999999999999999999999", false},
        {"00", false},
        {"0x0", false},
        {"010", false},
        {"1000x", false},
        {"1000 ", false},
        {" 1000", false},
        {"1e3", false},
        {"1000:staff ", false},
        {"rails staff", false},
        {"rails,staff", false},
        {"ra/ils", false},
        {"rails\n", false},
        {"rails\t", false},
        {"rails\x7f", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct user_word word;
        if (user_word_parse(rows[i].word, &word) != rows[i].is_taken) {
            fail_msg("`%s` should%s be taken", rows[i].word, rows[i].is_taken ? "" : " not");
        }
    }
}

struct found_row {
    const char *word;
    const struct user_files *files;
    const char *expected; /* uid:gid groups name home, or the error. */
};

static void describe(const struct user *user, struct text *text) {
    text_append_format(text, "%u:%u", user->uid, user->gid);
    for (size_t i = 0; i < user->group_count; i++) {
        text_append_format(text, "%s%u", i == 0 ? " " : ",", user->groups[i]);
    }
    text_append_format(text, " %s %s", user->name == NULL ? "-" : user->name,
        user->home == NULL ? "-" : user->home);
}

static void a_word_is_who_the_files_say(void **state) {
    (void)state;
    static const struct found_row rows[] = {
        {"root", &image, "0:0 0 root /root"},
        {"0", &image, "0:0 0 root /root"},
        {"rails", &image, "1000:1000 1000,50,44,29 rails /home/rails"},
        {"1000", &image, "1000:1000 1000,50,44,29 rails /home/rails"},
        {"rails:staff", &image, "1000:50 50 rails /home/rails"},
        {"rails:7", &image, "1000:7 7 rails /home/rails"},
        {"1000:1000", &image, "1000:1000 1000 rails /home/rails"},
        {"twin", &image, "1000:1001 1001 twin /twin"},
        {"homeless", &image, "1002:1002 1002 homeless /"},
        {"odd.user-name_1$", &image, "1003:1003 1003 odd.user-name_1$ /odd"},
        {"last", &image, "1009:4294967294 4294967294 last /last"},
        {"2000:50", &image, "2000:50 50 - -"},
        {"2000:audio", &image, "2000:29 29 - -"},
        {"1000:1000", &none, "1000:1000 1000 - -"},
        {"1000:1000", &empty, "1000:1000 1000 - -"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_USER struct user user = {.groups = NULL};
        AUTO_TEXT struct text text = {.data = NULL};
        struct user_word word;
        struct error error = {.text = ""};
        assert_true(user_word_parse(rows[i].word, &word));
        if (user_find(&word, rows[i].files, &user, &error) != 0) {
            fail_msg("%s: %s", rows[i].word, error.text);
        }
        describe(&user, &text);
        assert_string_equal(text_string(&text), rows[i].expected);
    }
}

static void whom_the_files_do_not_say_is_refused(void **state) {
    (void)state;
    static const char no_user[] =
        "there is no user `%s`: this image's /etc/passwd does not name it; "
        "make it in the Dockerfile, or give numbers (1000:1000)";
    static const char passwd_form[] =
        "line %s of /etc/passwd is not NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL";
    static const char group_form[] = "line %s of /etc/group is not NAME:PASSWORD:GID:MEMBERS";
    static const struct {
        const char *word;
        const struct user_files *files;
        const char *format;
        const char *part;
    } rows[] = {
        {"nobody", &image, no_user, "nobody"},
        {"rail", &image, no_user, "rail"},
        {"railsx", &image, no_user, "railsx"},
        {"Rails", &image, no_user, "Rails"},
        {"rails", &none,
            "there is no user `%s`: this image has no /etc/passwd; make it in the Dockerfile, or "
            "give numbers (1000:1000)",
            "rails"},
        {"rails:nogroup", &image,
            "there is no group `%s`: this image's /etc/group does not name it; make it in the "
            "Dockerfile, or give numbers (1000:1000)",
            "nogroup"},
        {"1000:staff", &none,
            "there is no group `%s`: this image has no /etc/group; make it in the Dockerfile, or "
            "give numbers (1000:1000)",
            "staff"},
        {"2000", &image,
            "uid %s has no line in /etc/passwd, so its group is not known: say which (2000:GROUP)",
            "2000"},
        {"1000", &none,
            "uid %s has no line in /etc/passwd, so its group is not known: say which (1000:GROUP)",
            "1000"},
        {"short", &image, passwd_form, "10"},
        {"1004", &image, passwd_form, "10"},
        {"1004:1004", &image, passwd_form, "10"},
        {"bad-uid", &image, passwd_form, "11"},
        {"bad-gid", &image, passwd_form, "12"},
        {"1006", &image, passwd_form, "12"},
        {"nobody-uid", &image, passwd_form, "13"},
        {"long", &image, passwd_form, "14"},
        {"two", &image, passwd_form, "16"},
        {"member-of-bad", &image, group_form, "7"},
        {"rails:bad", &image, group_form, "7"},
        {"rails:short", &image, group_form, "6"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        AUTO_USER struct user user = {.groups = NULL};
        AUTO_TEXT struct text expected = {.data = NULL};
        struct user_word word;
        struct error error = {.text = ""};
        const char *rest = strstr(rows[i].format, "%s");
        text_append(&expected, rows[i].format, (size_t)(rest - rows[i].format));
        text_append_format(&expected, "%s%s", rows[i].part, rest + 2);
        assert_true(user_word_parse(rows[i].word, &word));
        assert_int_equal(user_find(&word, rows[i].files, &user, &error), -1);
        assert_string_equal(error.text, text_string(&expected));
        assert_int_equal(error.exit_status, 78);
    }
}

static void a_home_that_an_engine_sets_by_itself_is_nobodys_choice(void **state) {
    (void)state;
    static const struct {
        const char *home;
        uint32_t uid;
        const struct user_files *files;
        bool is_unchosen;
    } rows[] = {
        {NULL, 0, &image, true},
        {"", 0, &image, true},
        {"/", 0, &image, true},
        {"/root", 0, &image, true},
        {"/home/rails", 1000, &image, true},
        {"/root", 1000, &image, false},
        {"/roo", 0, &image, false},
        {"/root/", 0, &image, false},
        {"/data", 0, &image, false},
        {"/home/rails", 0, &image, false},
        {"/root", 0, &none, false},
        {"/root", 4000, &image, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(
            user_home_is_unchosen(rows[i].home, rows[i].uid, rows[i].files), rows[i].is_unchosen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_exact_words_are_taken),
        cmocka_unit_test(a_word_is_who_the_files_say),
        cmocka_unit_test(whom_the_files_do_not_say_is_refused),
        cmocka_unit_test(a_home_that_an_engine_sets_by_itself_is_nobodys_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
