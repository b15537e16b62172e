/*
 * What is kept of a step's output: its secrets are hidden, its stack trace is not.
 */
#include "unit.h"

#include "signalbox/base/memory.h"
#include "signalbox/base/secret_values.h"
#include "signalbox/base/string.h"
#include "signalbox/base/text.h"
#include "vectors.h"

static char *environment[] = {
    "SECRET_KEY_BASE=8f3a9c1be27d44aa90ce",
    "SMTP_PASSWORD=mail-Pa55",
    "SENTRY_DSN=https://4f2bcd@o1.example/7",
    "REDIS_URL=redis://:dR0ws4p@cache/0",
    "CACHE_URL=redis://shop:p%40ss%3Aw%2Frd@cache/1",
    "GEM_SOURCE=https://t0ken4711abcdefgh:x-oauth-basic@gems.example",
    "ODD_PASSWORD=pa\"ss'w#rd",
    "API_TOKEN=hunter2-hunter2",
    "LONG_TOKEN=0123456789abcdef0123456789abcdef0123456789abcdef",
    "SIGNING_KEY=-----BEGIN RSA KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nqhkiG9\n-----END RSA "
    "KEY-----\n",
    "POSTGRES_PASSWORD=postgres",
    "DATABASE={\"username\":\"hunter\",\"password\":\"json-pw-1\"}",
    "API_KEY_FILE=/run/secrets/api_key",
    "GOOGLE_APPLICATION_CREDENTIALS=/rails/config/gcp.json",
    "PWD=/rails",
    "PASSENGER_APP_ENV=production",
    "GIT_AUTHOR_NAME=John Doe",
    "BASIC_AUTH=enabled",
    "SHORT_KEY=abcde",
    "KEYCLOAK_URL=https://idp.example/realm",
    "NOT_AN_ASSIGNMENT",
    NULL,
};

static struct secret_values secrets;
static unsigned failures;

static char *with_newlines(const char *text) {
    static const char sign[] = "\xe2\x8f\x8e";
    struct text lines = {.data = NULL};
    while (*text != '\0') {
        bool is_newline = strncmp(text, sign, 3) == 0;
        text_append(&lines, is_newline ? "\n" : text, 1);
        text += is_newline ? 3 : 1;
    }
    return lines.data == NULL ? string_copy("") : lines.data;
}

static void check(const struct vector_row *row) {
    AUTO_FREE char *text = with_newlines(row->columns[0]);
    bool is_same = strcmp(row->columns[1], "=") == 0;
    AUTO_FREE char *expected = with_newlines(row->columns[is_same ? 0 : 1]);
    AUTO_TEXT struct text masked = {.data = NULL};
    secret_values_mask(&secrets, text, &masked);
    if (strcmp(text_string(&masked), expected) != 0) {
        (void)fprintf(stderr, "secrets.tsv:%u: %s\n", row->line, text_string(&masked));
        failures++;
    }
}

static void secrets_are_hidden_and_a_stack_trace_is_not(void **state) {
    (void)state;
    secret_values_learn_environment(&secrets, environment);
    vectors_read("secrets.tsv", check);
    secret_values_release(&secrets);
    assert_int_equal(failures, 0);
}

static void assert_masked(const char *secret, const char *text, const char *expected) {
    AUTO_SECRET_VALUES struct secret_values known = {.items = {.items = NULL}};
    AUTO_TEXT struct text masked = {.data = NULL};
    secret_values_learn(&known, secret);
    secret_values_mask(&known, text, &masked);
    assert_string_equal(text_string(&masked), expected);
}

static void a_password_is_hidden_whatever_it_is(void **state) {
    (void)state;
    assert_masked(NULL, "text", "text");
    assert_masked("", "text", "text");
    assert_masked("pw1", "apw1b", "a***b");
    assert_masked("true", "true or untrue", "*** or untrue");
    assert_masked("a b", "a+b a%20b a b", "*** *** ***");
    assert_masked("line one is long enough\nand two", "say line one is long enough", "say ***");
    assert_masked("ends\n", "ends", "***");
    assert_masked("line1\nline2hunter", "is line2hunter", "is ***");
    assert_masked("line1\nline2hunter", "is \"line1\\nline2hunter\"", "is \"***\"");
    assert_masked("line1\nhunter\n", "is \"line1\\nhunter\\n\"", "is \"***\\n\"");
    assert_masked("line1\\nhunter", "is \"line1\\\\nhunter\"", "is \"***\"");
    assert_masked("line1\r\nhunter", "is \"line1\\r\\nhunter\", hunter", "is \"***\", ***");
    assert_masked("production\nhunter2", "in production is hunter2", "in production is ***");
}

static void a_text_of_any_length_takes_its_time_and_no_more(void **state) {
    (void)state;
    enum { LENGTH = 200000 };
    AUTO_SECRET_VALUES struct secret_values known = {.items = {.items = NULL}};
    AUTO_FREE char *same = memory_allocate(LENGTH + 1, 1);
    AUTO_TEXT struct text masked = {.data = NULL};
    memset(same, 'a', LENGTH);
    secret_values_learn(&known, same);
    same[LENGTH - 1] = 'b';
    secret_values_mask(&known, same, &masked);
    assert_string_equal(text_string(&masked), "***b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_hidden_and_a_stack_trace_is_not),
        cmocka_unit_test(a_password_is_hidden_whatever_it_is),
        cmocka_unit_test(a_text_of_any_length_takes_its_time_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
