/*
 * What follows from what the databases are like, as tables.
 */
#include "unit.h"

#include "prepare/preflight/preflight.h"
#include "signalbox/base/text.h"

static const struct run nothing = {.state = RUN_NONE};

/* Three databases, each in its condition. */
struct shop {
    struct database databases[3];
    struct probed items[3];
    struct migration migration;
    struct probe probe;
};

static void make_shop(struct shop *shop, const enum condition conditions[3]) {
    static const char *const roles[] = {"primary", "cache", "queue"};
    static const char *const names[] = {"shop", "shop_cache", "shop_queue"};
    *shop = (struct shop){.migration = {.version = (char *)"42", .path = (char *)"db/042_x.rb"}};
    for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
        shop->databases[i] = (struct database){
            .role = (char *)roles[i],
            .name = (char *)names[i],
            .adapter = (char *)"postgresql",
            .host = (char *)"db",
            .source = (char *)"config/database.yml:7",
        };
        shop->items[i] = (struct probed){
            .database = &shop->databases[i],
            .condition = conditions[i],
            .reason = "because",
            .tables = 12,
            .missing = 3,
            .first_missing = "42",
            .migrations = {.items = &shop->migration, .count = 1},
        };
    }
    shop->probe = (struct probe){.items = shop->items, .count = ARRAY_LENGTH(roles)};
}

static void names_are_whole_lines(void **state) {
    (void)state;
    assert_true(preflight_names("primary\nqueue", "primary"));
    assert_true(preflight_names("primary\nqueue", "queue"));
    assert_true(preflight_names("a\n\nqueue\n", "queue"));
    assert_false(preflight_names("primary\nqueue", "que"));
    assert_false(preflight_names("primary\nqueue", "queues"));
    assert_false(preflight_names("primary\nqueue", "mary"));
    assert_false(preflight_names("", "queue"));
}

static void only_a_complete_database_raises_no_doubt(void **state) {
    (void)state;
    static const struct {
        enum condition condition;
        const char *stale_reason;
    } rows[] = {
        {CONDITION_COMPLETE, ""},
        {CONDITION_UNKNOWN, "the state of the database shop_cache (cache) is not known: because"},
        {CONDITION_MISSING, "the database shop_cache (cache) is gone since then"},
        {CONDITION_EMPTY,
            "the database shop_cache (cache) has lost its schema_migrations since then"},
        {CONDITION_FOREIGN,
            "the database shop_cache (cache) has lost its schema_migrations since then"},
        {CONDITION_BEHIND,
            "db/042_x.rb has been undone since then in the database shop_cache (cache), and 2 "
            "more"},
    };
    _Static_assert(ARRAY_LENGTH(rows) == CONDITION_COUNT, "every condition has a row");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        char stale_reason[RUN_REASON_LENGTH];
        make_shop(
            &shop, (enum condition[]){CONDITION_COMPLETE, rows[i].condition, CONDITION_COMPLETE});
        preflight_stale_reason(&shop.probe, stale_reason);
        assert_string_equal(stale_reason, rows[i].stale_reason);
    }
}

static void names_are_listed_by_what_the_databases_are_like(void **state) {
    (void)state;
    static const struct {
        enum condition conditions[3];
        const char *in_order;
        const char *new;
    } rows[] = {
        {{CONDITION_COMPLETE, CONDITION_COMPLETE, CONDITION_COMPLETE}, "primary\ncache\nqueue", ""},
        {{CONDITION_COMPLETE, CONDITION_BEHIND, CONDITION_COMPLETE}, "primary\nqueue", ""},
        {{CONDITION_MISSING, CONDITION_EMPTY, CONDITION_FOREIGN}, "", "primary\ncache"},
        {{CONDITION_UNKNOWN, CONDITION_COMPLETE, CONDITION_EMPTY}, "cache", "queue"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        char names[RUN_DATABASES_LENGTH];
        make_shop(&shop, rows[i].conditions);
        preflight_list_in_order(&shop.probe, names);
        assert_string_equal(names, rows[i].in_order);
        preflight_list_new(&shop.probe, names);
        assert_string_equal(names, rows[i].new);
    }
}

static void names_that_do_not_fit_are_left_out_whole(void **state) {
    (void)state;
    struct shop shop;
    char names[RUN_DATABASES_LENGTH];
    char role[RUN_DATABASES_LENGTH - 6];
    memset(role, 'r', sizeof role);
    make_shop(
        &shop, (enum condition[]){CONDITION_COMPLETE, CONDITION_COMPLETE, CONDITION_COMPLETE});
    /* "queue" and a line's end take six bytes, and the text's end one. */
    role[sizeof role - 1] = '\0';
    shop.databases[0].role = role;
    shop.databases[1].role = (char *)"a\nb";
    preflight_list_in_order(&shop.probe, names);
    assert_true(preflight_names(names, "queue"));
    char longer[RUN_DATABASES_LENGTH - 5];
    memset(longer, 'r', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    shop.databases[0].role = longer;
    preflight_list_in_order(&shop.probe, names);
    assert_false(preflight_names(names, "queue"));
    assert_true(preflight_names(names, longer));
}

enum { NO_TASK, CREATE, LOAD, BOTH, ONLY_CACHE };

static struct preflight_rules rules_with(int tasks) {
    struct preflight_rules rules = {
        .tasks = {.create = tasks != NO_TASK && tasks != LOAD,
            .loader = tasks != NO_TASK && tasks != CREATE ? "db:prepare" : NULL,
            .concern_all = tasks != NO_TASK && tasks != ONLY_CACHE},
        .begun = "",
        .since = &nothing,
    };
    if (tasks == ONLY_CACHE) {
        (void)snprintf(rules.tasks.names, sizeof rules.tasks.names, "cache");
    }
    return rules;
}

static void why_a_prepare_is_due(void **state) {
    (void)state;
    static const struct {
        int tasks;
        enum condition conditions[3];
        int64_t since;
        const char *in_order_then;
        bool is_new;
        const char *reason;
    } rows[] = {
        {BOTH, {CONDITION_EMPTY, CONDITION_MISSING, CONDITION_MISSING}, 0, "", true,
            "the database shop (primary) is new"},
        {NO_TASK, {CONDITION_EMPTY, CONDITION_EMPTY, CONDITION_EMPTY}, 0, "", false, ""},
        {ONLY_CACHE, {CONDITION_EMPTY, CONDITION_EMPTY, CONDITION_EMPTY}, 0, "", false,
            "the database shop_cache (cache) is new"},
        {BOTH, {CONDITION_COMPLETE, CONDITION_EMPTY, CONDITION_COMPLETE}, 4, "primary", false,
            "the database shop_cache (cache) is new"},
        {BOTH, {CONDITION_BEHIND, CONDITION_COMPLETE, CONDITION_COMPLETE}, 4, "primary", false,
            "db/042_x.rb is new since run 4, and 2 more"},
        {NO_TASK, {CONDITION_BEHIND, CONDITION_COMPLETE, CONDITION_COMPLETE}, 4, "primary", false,
            "db/042_x.rb is new since run 4, and 2 more"},
        /* Nobody can say that it is new where it lacked versions then. */
        {BOTH, {CONDITION_BEHIND, CONDITION_BEHIND, CONDITION_COMPLETE}, 4, "queue", false, ""},
        {BOTH, {CONDITION_COMPLETE, CONDITION_BEHIND, CONDITION_COMPLETE}, 0, "", false,
            "db/042_x.rb has not been run in the database shop_cache, and 2 more"},
        {BOTH, {CONDITION_COMPLETE, CONDITION_UNKNOWN, CONDITION_COMPLETE}, 4, "", false, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        struct preflight preflight;
        struct run since = {.id = rows[i].since};
        struct preflight_rules rules = rules_with(rows[i].tasks);
        (void)snprintf(since.databases, sizeof since.databases, "%s", rows[i].in_order_then);
        rules.since = &since;
        make_shop(&shop, rows[i].conditions);
        preflight_explain(&shop.probe, &rules, &preflight);
        assert_int_equal(preflight.is_new, rows[i].is_new);
        assert_string_equal(preflight.reason, rows[i].reason);
    }
}

static void what_is_refused(void **state) {
    (void)state;
    static const struct {
        int tasks;
        enum condition first;
        enum condition queue;
        bool is_creatable;
        bool allow_schema_load;
        const char *begun;
        enum preflight_outcome outcome; /* About the queue. */
    } rows[] = {
        /* All or nothing, while the first is new. */
        {BOTH, CONDITION_EMPTY, CONDITION_COMPLETE, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_EMPTY, CONDITION_EMPTY, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_EMPTY, CONDITION_BEHIND, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_EMPTY, CONDITION_MISSING, true, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_EMPTY, CONDITION_MISSING, false, false, "", PREFLIGHT_NOT_ALL},
        {BOTH, CONDITION_EMPTY, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_NOT_ALL},
        {BOTH, CONDITION_MISSING, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_NOT_ALL},
        {BOTH, CONDITION_FOREIGN, CONDITION_UNKNOWN, false, true, "", PREFLIGHT_NOT_ALL},
        {CREATE, CONDITION_EMPTY, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_NOT_ALL},
        {ONLY_CACHE, CONDITION_EMPTY, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_PASSED},
        {ONLY_CACHE, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "", PREFLIGHT_PASSED},
        {NO_TASK, CONDITION_EMPTY, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_PASSED},
        {NO_TASK, CONDITION_EMPTY, CONDITION_MISSING, false, false, "", PREFLIGHT_PASSED},
        /* Later the steps may say it themselves: nothing is lost by that. */
        {BOTH, CONDITION_COMPLETE, CONDITION_MISSING, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_COMPLETE, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_BEHIND, CONDITION_UNKNOWN, false, false, "", PREFLIGHT_PASSED},
        /* Never over somebody's tables, first boot or not. */
        {BOTH, CONDITION_EMPTY, CONDITION_FOREIGN, false, false, "", PREFLIGHT_TABLES},
        {BOTH, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "", PREFLIGHT_TABLES},
        {LOAD, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "", PREFLIGHT_TABLES},
        {BOTH, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "cache", PREFLIGHT_TABLES},
        {CREATE, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "", PREFLIGHT_PASSED},
        {NO_TASK, CONDITION_COMPLETE, CONDITION_FOREIGN, false, false, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_COMPLETE, CONDITION_FOREIGN, false, true, "", PREFLIGHT_PASSED},
        {BOTH, CONDITION_EMPTY, CONDITION_FOREIGN, false, false, "queue", PREFLIGHT_PASSED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        struct preflight_rules rules = rules_with(rows[i].tasks);
        AUTO_TEXT struct text line = {.data = NULL};
        rules.allow_schema_load = rows[i].allow_schema_load;
        rules.begun = rows[i].begun;
        make_shop(&shop, (enum condition[]){rows[i].first, CONDITION_COMPLETE, rows[i].queue});
        shop.items[2].is_creatable = rows[i].is_creatable;
        if (preflight_judge(&shop.probe, 2, &rules, &line) != rows[i].outcome) {
            fail_msg("row %zu is judged otherwise: %s", i, text_string(&line));
        }
        assert_int_equal(line.length == 0, rows[i].outcome == PREFLIGHT_PASSED);
    }
}

static void a_first_database_that_is_missing_is_not_in_the_survey(void **state) {
    (void)state;
    struct shop shop;
    struct preflight_rules rules = rules_with(BOTH);
    AUTO_TEXT struct text line = {.data = NULL};
    make_shop(&shop, (enum condition[]){CONDITION_COMPLETE, CONDITION_COMPLETE, CONDITION_UNKNOWN});
    assert_int_equal(preflight_judge(&shop.probe, 2, &rules, &line), PREFLIGHT_PASSED);
    rules.is_first_missing = true;
    assert_int_equal(preflight_judge(&shop.probe, 2, &rules, &line), PREFLIGHT_NOT_ALL);
}

static void a_line_names_address_and_way_out(void **state) {
    (void)state;
    static const struct {
        enum condition condition;
        bool has_own_url;
        const char *role;
        const char *line;
    } rows[] = {
        {CONDITION_UNKNOWN, false, "queue",
            "the database shop_queue (queue) at postgresql://db/shop_queue, from "
            "config/database.yml:7, is not reachable: because; QUEUE_DATABASE_URL says where it "
            "is"},
        {CONDITION_UNKNOWN, true, "queue",
            "the database shop_queue (queue) at postgresql://db/shop_queue, from "
            "config/database.yml:7, is not reachable: because; its `url:` there says where it is"},
        {CONDITION_UNKNOWN, false, "primary",
            "the database shop_queue (primary) at postgresql://db/shop_queue, from "
            "config/database.yml:7, is not reachable: because; DATABASE_URL says where it is"},
        {CONDITION_MISSING, false, "queue",
            "the database shop_queue (queue) at postgresql://db/shop_queue, from "
            "config/database.yml:7, does not exist and could not be created: because; create it, "
            "let its role create databases, or QUEUE_DATABASE_URL says where it is"},
        {CONDITION_FOREIGN, false, "queue",
            "the database shop_queue (queue) at postgresql://db/shop_queue, from "
            "config/database.yml:7, has 12 tables but no schema_migrations: db:prepare would load "
            "its schema over them and drop what is in its way; give another database, or "
            "--allow-schema-load where they may go (an earlier first boot may have left them)"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        struct preflight_rules rules = rules_with(BOTH);
        AUTO_TEXT struct text line = {.data = NULL};
        make_shop(
            &shop, (enum condition[]){CONDITION_EMPTY, CONDITION_COMPLETE, rows[i].condition});
        shop.databases[2].has_own_url = rows[i].has_own_url;
        shop.databases[2].role = (char *)rows[i].role;
        assert_int_not_equal(preflight_judge(&shop.probe, 2, &rules, &line), PREFLIGHT_PASSED);
        assert_string_equal(text_string(&line), rows[i].line);
    }
}

static void steps_went_elsewhere_where_both_signs_say_so(void **state) {
    (void)state;
    enum { WHOLE = 1, NAMED = 2, SEEN = 4, BESIDE = 8 };
    static const struct {
        enum condition before;
        enum condition after;
        int64_t lacked_before; /* Afterwards it lacks 3. */
        unsigned trace;
        const char *elsewhere; /* The end of it. */
    } rows[] = {
        {CONDITION_EMPTY, CONDITION_EMPTY, 3, WHOLE | NAMED, "still has no schema_migrations"},
        {CONDITION_FOREIGN, CONDITION_FOREIGN, 3, WHOLE | NAMED, "still has no schema_migrations"},
        {CONDITION_MISSING, CONDITION_MISSING, 3, WHOLE | NAMED, "still does not exist"},
        {CONDITION_BEHIND, CONDITION_BEHIND, 3, WHOLE | NAMED,
            "still lacks db/042_x.rb, and 2 more"},
        /* One sign is not enough. */
        {CONDITION_EMPTY, CONDITION_EMPTY, 3, WHOLE | NAMED | SEEN, NULL},
        {CONDITION_BEHIND, CONDITION_BEHIND, 3, WHOLE | NAMED | SEEN, NULL},
        {CONDITION_COMPLETE, CONDITION_COMPLETE, 0, WHOLE | NAMED, NULL},
        {CONDITION_EMPTY, CONDITION_COMPLETE, 3, WHOLE | NAMED, NULL},
        /* Something was done there. */
        {CONDITION_EMPTY, CONDITION_EMPTY, 3, WHOLE | NAMED | BESIDE, NULL},
        {CONDITION_BEHIND, CONDITION_BEHIND, 3, WHOLE | NAMED | BESIDE, NULL},
        {CONDITION_EMPTY, CONDITION_BEHIND, 3, WHOLE | NAMED, NULL},
        {CONDITION_EMPTY, CONDITION_FOREIGN, 3, WHOLE | NAMED, NULL},
        {CONDITION_BEHIND, CONDITION_BEHIND, 4, WHOLE | NAMED, NULL},
        /* Steps that need not migrate, or not everything. */
        {CONDITION_EMPTY, CONDITION_EMPTY, 3, NAMED, NULL},
        {CONDITION_BEHIND, CONDITION_BEHIND, 3, NAMED, NULL},
        /* Nobody could have seen them; migrations may be such as Rails never looks for. */
        {CONDITION_EMPTY, CONDITION_EMPTY, 3, WHOLE, "still has no schema_migrations"},
        {CONDITION_BEHIND, CONDITION_BEHIND, 3, WHOLE, NULL},
        /* Nobody can say. */
        {CONDITION_UNKNOWN, CONDITION_UNKNOWN, 3, WHOLE | NAMED, NULL},
        {CONDITION_UNKNOWN, CONDITION_EMPTY, 3, WHOLE | NAMED, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct shop shop;
        char elsewhere[RUN_REASON_LENGTH] = "";
        AUTO_TEXT struct text expected = {.data = NULL};
        make_shop(
            &shop, (enum condition[]){rows[i].before, CONDITION_COMPLETE, CONDITION_COMPLETE});
        shop.items[0].missing = rows[i].lacked_before;
        const struct steps_trace trace = {
            .migrate_wholly = (rows[i].trace & WHOLE) != 0,
            .are_named = (rows[i].trace & NAMED) != 0,
            .were_seen = (rows[i].trace & SEEN) != 0,
            .before = preflight_first(&shop.probe, &shop.databases[0]),
        };
        make_shop(&shop, (enum condition[]){rows[i].after, CONDITION_COMPLETE, CONDITION_COMPLETE});
        shop.items[0].is_complete_beside = (rows[i].trace & BESIDE) != 0;
        preflight_find_elsewhere(&shop.probe, &shop.databases[0], &trace, elsewhere);
        if (rows[i].elsewhere != NULL) {
            text_append_format(&expected,
                "its steps seem to have migrated another database: shop (primary) %s",
                rows[i].elsewhere);
        }
        if (strcmp(elsewhere, text_string(&expected)) != 0) {
            fail_msg("row %zu: %s", i, elsewhere);
        }
    }
}

/* The lock's address was given by itself: nobody looks whether the steps use it. */
static void a_database_that_is_not_looked_at_raises_no_suspicion(void **state) {
    (void)state;
    struct shop shop;
    struct database other = {.name = (char *)"other", .role = (char *)"primary"};
    char elsewhere[RUN_REASON_LENGTH] = "";
    make_shop(&shop, (enum condition[]){CONDITION_EMPTY, CONDITION_EMPTY, CONDITION_EMPTY});
    const struct steps_trace trace = {
        .migrate_wholly = true, .are_named = true, .before = preflight_first(&shop.probe, &other)};
    preflight_find_elsewhere(&shop.probe, &other, &trace, elsewhere);
    assert_string_equal(elsewhere, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_whole_lines),
        cmocka_unit_test(only_a_complete_database_raises_no_doubt),
        cmocka_unit_test(names_are_listed_by_what_the_databases_are_like),
        cmocka_unit_test(names_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(why_a_prepare_is_due),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_first_database_that_is_missing_is_not_in_the_survey),
        cmocka_unit_test(a_line_names_address_and_way_out),
        cmocka_unit_test(steps_went_elsewhere_where_both_signs_say_so),
        cmocka_unit_test(a_database_that_is_not_looked_at_raises_no_suspicion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
