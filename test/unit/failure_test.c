/*
 * Which failures pass, out of libpq's own words.
 */
#include "tables.h"

#include "postgres/failure.h"
#include "signalbox/base/text.h"

static const char *trouble_name(enum session_trouble trouble) {
    switch (trouble) {
    case TROUBLE_PASSING:
        return "passes";
    case TROUBLE_NO_SLOT:
        return "no slot";
    case TROUBLE_MISSING_DATABASE:
        return "missing";
    case TROUBLE_FINAL:
        return "lasts";
    }
    return "?";
}

static void expect(const struct session_failure *failure, char *const fields[4]) {
    bool has_code = strcmp(fields[0], "-") != 0;
    assert_int_equal(failure->origin, has_code ? FAILURE_OF_SERVER : FAILURE_OF_LINK);
    assert_string_equal(failure->sqlstate, has_code ? fields[0] : "");
    if (strcmp(trouble_name(failure->trouble), fields[2]) != 0) {
        fail_msg(
            "%s %s: %s, not %s", fields[0], fields[1], trouble_name(failure->trouble), fields[2]);
    }
}

static void what_lasts_and_what_passes_is_known_by_its_source(void **state) {
    (void)state;
    char *content = vectors_read("failures.tsv");
    char *rest = content;
    size_t rows = 0;
    for (char *line = vectors_next_line(&rest); line != NULL; line = vectors_next_line(&rest)) {
        char *fields[4];
        struct session_failure failure;
        AUTO_TEXT struct text message = {.data = NULL};
        vectors_split(line, fields, ARRAY_LENGTH(fields));
        if (strcmp(fields[0], "-") == 0) {
            failure_of_connecting(fields[1], NULL, &failure);
            expect(&failure, fields);
        } else {
            text_append_format(&message,
                "connection to server at \"db\", port 5432 failed: FATAL:  %s: %s\nLOCATION:  x\n",
                fields[0], fields[1]);
            failure_of_connecting(text_string(&message), NULL, &failure);
            expect(&failure, fields);
            /* The same words in the answer to a statement mean the same. */
            failure_of_statement(fields[0], fields[1], NULL, &failure);
            expect(&failure, fields);
        }
        assert_true(strlen(fields[3]) > 3);
        rows++;
    }
    assert_true(rows > 100);
    free(content);
}

/* That a server gave no code never means two things. */
static void what_we_say_ourselves_is_of_another_kind(void **state) {
    (void)state;
    struct session_failure failure;
    failure_of_ours("no schema of the search path exists", &failure);
    assert_int_equal(failure.origin, FAILURE_OF_OURS);
    assert_int_equal(failure.trouble, TROUBLE_FINAL);
    assert_string_equal(failure.message, "no schema of the search path exists");
    failure_of_statement(NULL, "server closed the connection unexpectedly", NULL, &failure);
    assert_int_equal(failure.origin, FAILURE_OF_LINK);
    assert_int_equal(failure.trouble, TROUBLE_PASSING);
    failure_of_silence(&failure);
    assert_int_equal(failure.origin, FAILURE_OF_LINK);
    assert_string_equal(failure.message, "it does not answer");
}

static void where_the_next_password_is_another_a_refused_one_passes(void **state) {
    (void)state;
    static const struct {
        const char *message;
        enum session_trouble trouble;
    } rows[] = {
        {"failed: FATAL:  28P01: password authentication failed for user \"u\"\n", TROUBLE_PASSING},
        {"failed: FATAL:  28000: PAM authentication failed for user \"u\"\n", TROUBLE_PASSING},
        {"failed: FATAL:  08P01: SASL authentication failed\n", TROUBLE_PASSING},
        {"failed: FATAL:  28000: role \"u\" does not exist\n", TROUBLE_FINAL},
        {"failed: FATAL:  28000: no pg_hba.conf entry for host \"h\"\n", TROUBLE_FINAL},
        {"failed: FATAL:  53300: too many clients already\n", TROUBLE_NO_SLOT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct session_failure failure;
        failure_of_connecting(rows[i].message, NULL, &failure);
        failure_allow_another_password(&failure);
        assert_int_equal(failure.trouble, rows[i].trouble);
    }
}

static void connect_messages_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *message;
        const char *sqlstate;
        enum session_trouble trouble;
        const char *line;
    } rows[] = {
        {"connection to server at \"db\", port 5432 failed: FATAL:  3D000: database \"x\" does not "
         "exist\nLOCATION:  InitPostgres, postinit.c:885\n",
            "3D000", TROUBLE_MISSING_DATABASE,
            "connection to server at \"db\", port 5432 failed: FATAL: database \"x\" does not "
            "exist"},
        {"connection to server at \"db\", port 5432 failed: FATAL:  28P01: password authentication "
         "failed for user \"u\"\nLOCATION:  auth_failed, auth.c:347\n",
            "28P01", TROUBLE_FINAL,
            "connection to server at \"db\", port 5432 failed: FATAL: password authentication "
            "failed for user \"u\" (the server does not accept the user or the password)"},
        {"connection to server at \"db\", port 80 failed: received invalid response to SSL "
         "negotiation: H\n",
            "", TROUBLE_FINAL,
            "connection to server at \"db\", port 80 failed: received invalid response to SSL "
            "negotiation: H (what answers there is not PostgreSQL: look at host and port)"},
        {"x failed: FATAL:  28000: no pg_hba.conf entry for host \"h\"\n", "28000", TROUBLE_FINAL,
            "x failed: FATAL: no pg_hba.conf entry for host \"h\" (the server's pg_hba.conf does "
            "not "
            "allow this user, database and TLS mode)"},
        {"x failed: FATAL:  53300: sorry, too many clients already\n", "53300", TROUBLE_NO_SLOT,
            "x failed: FATAL: sorry, too many clients already"},
        {"x failed: FATAL:  57P03: the database system is starting up\n", "57P03", TROUBLE_PASSING,
            "x failed: FATAL: the database system is starting up"},
        {"connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the "
         "server running on that host and accepting TCP/IP connections?\n",
            "", TROUBLE_PASSING,
            "connection to server at \"127.0.0.1\", port 1 failed: Connection refused Is the "
            "server running on that host and accepting TCP/IP connections?"},
        {"could not translate host name \"nowhere\" to address: Name or service not known\n", "",
            TROUBLE_PASSING,
            "could not translate host name \"nowhere\" to address: Name or service not known"},
        {"connection to server at \"db\" failed: server does not support SSL, but SSL was "
         "required\n",
            "", TROUBLE_FINAL,
            "connection to server at \"db\" failed: server does not support SSL, but SSL was "
            "required (the server has no TLS, and sslmode asks "
            "for it)"},
        {"invalid sslmode value: \"no\"\n", "", TROUBLE_FINAL, "invalid sslmode value: \"no\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct session_failure failure;
        failure_of_connecting(rows[i].message, NULL, &failure);
        assert_string_equal(failure.sqlstate, rows[i].sqlstate);
        assert_int_equal(failure.trouble, rows[i].trouble);
        assert_string_equal(failure.message, rows[i].line);
    }
}

/* What PgBouncer 1.18 and 1.24 were measured to say, and two words of Supavisor's. */
static void a_poolers_words_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum session_trouble trouble;
        const char *advice; /* A part of it, or NULL where there is none. */
    } rows[] = {
        {"08P01: database \"nope\" does not exist", TROUBLE_MISSING_DATABASE, NULL},
        {"3D000: database \"nope\" does not exist", TROUBLE_MISSING_DATABASE, NULL},
        {"08P01: no such database: nope", TROUBLE_FINAL, "[databases]"},
        {"08P01: SASL authentication failed", TROUBLE_FINAL, "PgBouncer does not accept"},
        {"08P01: password authentication failed for user \"u\"", TROUBLE_FINAL,
            "the server does not accept"},
        {"08P01: role \"u\" does not exist", TROUBLE_FINAL, "no such role"},
        {"08P01: unsupported startup parameter: options", TROUBLE_FINAL,
            "ignore_startup_parameters"},
        {"08P01: unsupported startup parameter in options: a.b", TROUBLE_FINAL,
            "ignore_startup_parameters"},
        {"08P01: transaction blocks not allowed in statement pooling mode", TROUBLE_FINAL,
            "--database-url"},
        {"08P01: query_wait_timeout", TROUBLE_PASSING, "its pool is full"},
        {"08P01: server login has been failing, try again later (server_login_retry)",
            TROUBLE_PASSING, NULL},
        {"08P01: the database system is starting up", TROUBLE_PASSING, NULL},
        {"08P01: no more connections allowed (max_client_conn)", TROUBLE_NO_SLOT, NULL},
        {"08P01: client connections exceeded (max_db_client_connections)", TROUBLE_NO_SLOT, NULL},
        {"XX000: MaxClientsInSessionMode: max clients reached", TROUBLE_NO_SLOT, NULL},
        {"55000: database \"d\" is not currently accepting connections", TROUBLE_PASSING, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session_failure failure;
        char message[200];
        (void)snprintf(message, sizeof message, "x failed: FATAL:  %s\n", rows[i].text);
        failure_of_connecting(message, NULL, &failure);
        assert_int_equal(failure.trouble, rows[i].trouble);
        assert_int_equal(strchr(failure.message, '(') != NULL &&
                strstr(failure.message, rows[i].advice == NULL ? "" : rows[i].advice) != NULL,
            rows[i].advice != NULL || strchr(rows[i].text, '(') != NULL);
        /* The same words in the answer to a statement mean the same. */
        char sqlstate[6] = "";
        memcpy(sqlstate, rows[i].text, 5);
        failure_of_statement(sqlstate, rows[i].text + 7, NULL, &failure);
        assert_int_equal(failure.trouble, rows[i].trouble);
    }
}

static void a_password_is_masked_wherever_it_stands(void **state) {
    (void)state;
    struct session_failure failure;
    failure_of_connecting("bad \"s3cret\" and s3cret\n", "s3cret", &failure);
    assert_string_equal(failure.message, "bad \"***\" and ***");
    failure_of_statement("42601", "near s3cret", "s3cret", &failure);
    assert_string_equal(failure.message, "near ***");
    failure_of_connecting("nothing here", "", &failure);
    assert_string_equal(failure.message, "nothing here");
}

static void a_long_message_is_cut(void **state) {
    (void)state;
    char message[4000];
    struct session_failure failure;
    for (size_t length = 470; length < 490; length++) {
        memset(message, 'x', length);
        message[length] = '\0';
        failure_of_connecting(message, "x", &failure);
        assert_true(strlen(failure.message) < sizeof failure.message);
        failure_of_connecting(message, NULL, &failure);
        assert_true(strlen(failure.message) < sizeof failure.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lasts_and_what_passes_is_known_by_its_source),
        cmocka_unit_test(what_we_say_ourselves_is_of_another_kind),
        cmocka_unit_test(where_the_next_password_is_another_a_refused_one_passes),
        cmocka_unit_test(connect_messages_are_told_apart),
        cmocka_unit_test(a_poolers_words_are_told_apart),
        cmocka_unit_test(a_password_is_masked_wherever_it_stands),
        cmocka_unit_test(a_long_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
