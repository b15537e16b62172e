/*
 * Database URLs as ActiveRecord reads them (test/vectors/urls.tsv, which test/container runs
 * through ActiveRecord itself), and never their password in any text for people.
 */
#include "tables.h"

#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

enum { URL, HOST, PORT, USER, PASSWORD, NAME, OPTIONS, RAILS, FIELDS };

static void check_part(const char *url, const char *part, const char *expected, const char *found) {
    if (strcmp(expected, found == NULL ? "" : found) != 0) {
        fail_msg("%s: %s is `%s`, not `%s`", url, part, found == NULL ? "" : found, expected);
    }
}

static void check_refusal(char *const fields[], const struct error *error) {
    AUTO_TEXT struct text beginning = {.data = NULL};
    text_append_format(&beginning, "TEST %s", fields[HOST] + 1);
    if (fields[HOST][0] != '!' || !string_has_prefix(error->text, text_string(&beginning))) {
        fail_msg("%s: refused, because `%s`", fields[URL], error->text);
    }
    assert_int_equal(error->exit_status, 78);
    assert_null(strstr(error->text, "hunter2"));
}

static void check_accepted(char *const fields[], const struct database *database) {
    AUTO_TEXT struct text options = {.data = NULL};
    AUTO_TEXT struct text description = {.data = NULL};
    if (!database_is_postgres(database)) {
        text_append_format(&options, "adapter=%s", database->adapter);
    }
    for (size_t i = 0; i < database->keywords.count; i++) {
        text_append_format(&options, "%s%s=%s", i == 0 ? "" : " ", database->keywords.items[i],
            database->values.items[i]);
    }
    check_part(fields[URL], "host", fields[HOST], database->host);
    check_part(fields[URL], "port", fields[PORT], database->port);
    check_part(fields[URL], "user", fields[USER], database->user);
    check_part(fields[URL], "password", fields[PASSWORD], database->password);
    check_part(fields[URL], "name", fields[NAME], database->name);
    check_part(fields[URL], "options", fields[OPTIONS], text_string(&options));
    database_describe(database, &description);
    if (strlen(fields[PASSWORD]) > 2) {
        assert_null(strstr(text_string(&description), fields[PASSWORD]));
    }
}

/* The escapes of the table. */
static void unescape(char *field) {
    static const char from[] = "nrtfv";
    static const char to[] = "\n\r\t\f\v";
    char *end = field;
    for (const char *at = field; *at != '\0'; at++) {
        const char *found = at[0] == '\\' && at[1] != '\0' ? strchr(from, at[1]) : NULL;
        *end++ = found == NULL ? *at : to[found - from];
        at += found == NULL ? 0 : 1;
    }
    *end = '\0';
}

static void every_vector_is_read_as_it_says(void **state) {
    (void)state;
    AUTO_FREE char *content = vectors_read("urls.tsv");
    char *rest = content;
    size_t rows = 0;
    for (char *line = vectors_next_line(&rest); line != NULL; line = vectors_next_line(&rest)) {
        char *fields[FIELDS] = {line};
        struct database database;
        struct error error = {.text = ""};
        vectors_split(line, fields, FIELDS);
        for (size_t i = 0; i < FIELDS; i++) {
            unescape(fields[i]);
        }
        if (database_from_url(fields[URL], "TEST", &database, &error) != 0) {
            check_refusal(fields, &error);
        } else {
            check_accepted(fields, &database);
        }
        database_release(&database);
        rows++;
    }
    assert_true(rows > 80);
}

static void the_description_has_no_password(void **state) {
    (void)state;
    struct database database;
    struct error error;
    AUTO_TEXT struct text text = {.data = NULL};
    assert_int_equal(database_from_url("postgis://u:hunter2@db:1/shop?password=hunter3", "TEST",
                         &database, &error),
        0);
    database_describe(&database, &text);
    assert_string_equal(text_string(&text), "postgresql://u@db:1/shop");
    database_release(&database);
}

static void every_cut_of_a_url_is_survived(void **state) {
    (void)state;
    AUTO_FREE char *content = vectors_read("urls.tsv");
    char *rest = content;
    for (char *line = vectors_next_line(&rest); line != NULL; line = vectors_next_line(&rest)) {
        size_t url_length = strcspn(line, "\t");
        for (size_t length = 0; length <= url_length; length++) {
            AUTO_FREE char *cut = string_copy_part(line, length);
            struct database database;
            struct error error;
            (void)!database_from_url(cut, "TEST", &database, &error);
            database_release(&database);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_read_as_it_says),
        cmocka_unit_test(the_description_has_no_password),
        cmocka_unit_test(every_cut_of_a_url_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
