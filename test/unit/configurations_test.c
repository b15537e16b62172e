/*
 * config/database.yml of many shapes (test/vectors/database_yml), each resolved as real Rails
 * resolves it: resolved.tsv is Rails' own answer.
 */
#include "tables.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "signalbox/database/database.h"

enum { FIXTURE, VARIABLES, OUTCOME, FIELDS };

static char directory[] = "/tmp/signalbox-configurations-XXXXXX";
static char *resolved;

static void append_field(struct text *row, const char *field) {
    for (const char *at = field == NULL ? "" : field; *at != '\0'; at++) {
        const char *escapes = "\\\\\nn\tt";
        const char *found = strchr(escapes, *at);
        if (found != NULL && (found - escapes) % 2 == 0) {
            text_append_format(row, "\\%c", found[1]);
        } else {
            text_append(row, at, 1);
        }
    }
    text_append_string(row, "\t");
}

/* The databases in the form of resolved.tsv. */
static void describe(const struct databases *databases, struct text *table) {
    for (size_t i = 0; i < databases->count; i++) {
        const struct database *database = &databases->items[i];
        const char *const fields[] = {database->role, database->adapter, database->host,
            database->port, database->user, database->password, database->name,
            database->schema_search_path};
        AUTO_TEXT struct text paths = {.data = NULL};
        AUTO_TEXT struct text creation = {.data = NULL};
        AUTO_TEXT struct text options = {.data = NULL};
        for (size_t k = 0; k < database->migrations_paths.count; k++) {
            text_append_format(
                &paths, "%s%s", k == 0 ? "" : ",", database->migrations_paths.items[k]);
        }
        for (size_t k = 0; k < CREATION_COUNT; k++) {
            if (database->creation[k] != NULL) {
                text_append_format(&creation, "%s%s=%s", creation.length == 0 ? "" : " ",
                    settings_creation_name((enum creation_setting)k), database->creation[k]);
            }
        }
        for (size_t k = 0; k < database->keywords.count; k++) {
            text_append_format(&options, "%s%s=%s", k == 0 ? "" : " ", database->keywords.items[k],
                database->values.items[k]);
        }
        for (size_t k = 0; k < ARRAY_LENGTH(fields); k++) {
            append_field(table, fields[k]);
        }
        append_field(table, text_string(&paths));
        append_field(table, text_string(&creation));
        append_field(table, text_string(&options));
        table->data[table->length - 1] = '\n';
    }
}

/* The newest Rails' answer to a case. */
static void find_expected(char *const fields[], struct text *expected) {
    AUTO_TEXT struct text heading = {.data = NULL};
    text_append_format(&heading, "==\t%s\t%s\t", fields[FIXTURE], fields[VARIABLES]);
    for (const char *at = resolved; (at = strstr(at, text_string(&heading))) != NULL; at++) {
        const char *line = strchr(at, '\n');
        const char *newest = strstr(at, "8.1\n");
        if (newest == NULL || newest > line) {
            continue;
        }
        const char *start = line + 1;
        const char *end = start[0] == '=' ? start : strstr(start, "\n==\t");
        size_t length = end == NULL ? strlen(start) : (size_t)(end - start);
        text_append(expected, start, length);
        if (expected->length > 0 && expected->data[expected->length - 1] != '\n') {
            text_append_string(expected, "\n");
        }
        return;
    }
    fail_msg("resolved.tsv has no answer to %s with `%s`", fields[FIXTURE], fields[VARIABLES]);
}

/* Signalbox has `primary` first, wherever it stands in the file. */
static void put_primary_first(struct text *table) {
    const char *line = strstr(text_string(table), "\nprimary\t");
    if (line == NULL) {
        return;
    }
    struct text sorted = {.data = NULL};
    size_t before = (size_t)(line + 1 - table->data);
    size_t length = strcspn(line + 1, "\n") + 1;
    text_append(&sorted, line + 1, length);
    text_append(&sorted, table->data, before);
    text_append_string(&sorted, line + 1 + length);
    text_release(table);
    *table = sorted;
}

static void set_variables(char *variables) {
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("RAILS_ENV", "production", 1), 0);
    for (char *word = strtok(variables, " "); word != NULL; word = strtok(NULL, " ")) {
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = '\0';
        assert_int_equal(setenv(word, equals + 1, 1), 0);
    }
}

static void use_fixture(const char *name) {
    AUTO_TEXT struct text fixture = {.data = NULL};
    AUTO_TEXT struct text link = {.data = NULL};
    text_append_format(&fixture, "%s/test/vectors/database_yml/%s.yml", TEST_SOURCE_DIR, name);
    text_append_format(&link, "%s/config/database.yml", directory);
    (void)unlink(text_string(&link));
    assert_int_equal(symlink(text_string(&fixture), text_string(&link)), 0);
}

static void check_found(char *const fields[], const struct databases *databases) {
    AUTO_TEXT struct text table = {.data = NULL};
    AUTO_TEXT struct text expected = {.data = NULL};
    describe(databases, &table);
    find_expected(fields, &expected);
    put_primary_first(&expected);
    if (strcmp(text_string(&table), text_string(&expected)) != 0) {
        fail_msg("%s with `%s` is\n%snot\n%s", fields[FIXTURE], fields[VARIABLES],
            text_string(&table), text_string(&expected));
    }
}

static void check(char *const fields[], enum databases_found found,
    const struct databases *databases, const struct error *error) {
    const char *outcome = fields[OUTCOME];
    switch (found) {
    case DATABASES_FOUND:
        if (strcmp(outcome, "reads") != 0) {
            fail_msg("%s with `%s` was read", fields[FIXTURE], fields[VARIABLES]);
        }
        check_found(fields, databases);
        return;
    case DATABASES_UNCLEAR: {
        AUTO_TEXT struct text place = {.data = NULL};
        text_append_format(&place, "config/database.yml:%s: ",
            string_has_prefix(outcome, "asks:") ? outcome + strlen("asks:") : "?");
        if (!string_has_prefix(error->text, text_string(&place))) {
            fail_msg("%s with `%s`: unclear, %s", fields[FIXTURE], fields[VARIABLES], error->text);
        }
        return;
    }
    case DATABASES_WRONG:
        outcome += strcspn(outcome, ":");
        if ((!string_has_prefix(fields[OUTCOME], "refuses:") &&
                !string_has_prefix(fields[OUTCOME], "differs:")) ||
            strstr(error->text, outcome + 1) == NULL) {
            fail_msg("%s with `%s`: refused, %s", fields[FIXTURE], fields[VARIABLES], error->text);
        }
        assert_int_equal(error->exit_status, 78);
        return;
    }
}

static void every_case_is_resolved_as_rails_does(void **state) {
    (void)state;
    AUTO_FREE char *content = vectors_read("database_yml/cases.tsv");
    char *rest = content;
    size_t rows = 0;
    for (char *line = vectors_next_line(&rest); line != NULL; line = vectors_next_line(&rest)) {
        char *fields[FIELDS] = {line};
        struct databases databases;
        struct error error = {.text = ""};
        vectors_split(line, fields, FIELDS);
        AUTO_FREE char *variables = string_copy(fields[VARIABLES]);
        set_variables(variables);
        use_fixture(fields[FIXTURE]);
        struct databases_request request = {
            .environment = getenv("RAILS_ENV"), .directory = directory};
        enum databases_found found = database_list_find(&request, &databases, &error);
        check(fields, found, &databases, &error);
        database_list_release(&databases);
        rows++;
    }
    assert_true(rows > 150);
}

static int make_application(void **state) {
    (void)state;
    AUTO_TEXT struct text config = {.data = NULL};
    assert_non_null(mkdtemp(directory));
    text_append_format(&config, "%s/config", directory);
    resolved = vectors_read("database_yml/resolved.tsv");
    return mkdir(text_string(&config), 0755);
}

static int remove_application(void **state) {
    (void)state;
    AUTO_TEXT struct text path = {.data = NULL};
    free(resolved);
    text_append_format(&path, "%s/config/database.yml", directory);
    (void)unlink(text_string(&path));
    text_release(&path);
    text_append_format(&path, "%s/config", directory);
    (void)rmdir(text_string(&path));
    return rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_resolved_as_rails_does),
    };
    return cmocka_run_group_tests(tests, make_application, remove_application);
}
