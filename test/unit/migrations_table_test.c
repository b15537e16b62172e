/*
 * The name of the table of migrations, out of an application's files.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "signalbox/base/text.h"
#include "signalbox/rails/migrations_table.h"

static char root[64];

static void put(const char *path, const char *content) {
    char full[512];
    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void begin(void) {
    (void)snprintf(root, sizeof root, "/tmp/signalbox-table-XXXXXX");
    assert_non_null(mkdtemp(root));
}

static void expect(const char *name) {
    AUTO_TEXT struct text found = {.data = NULL};
    migrations_table_find(root, "production", &found);
    assert_string_equal(text_string(&found), name);
}

static void a_line_says_it_or_says_nothing(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *name;
    } rows[] = {
        {"", "schema_migrations"},
        {"config.active_record.schema_migrations_table_name = \"schema_migrations_rb_on_rails\"",
            "schema_migrations_rb_on_rails"},
        {"  config.active_record.table_name_prefix='shop_' # ours", "shop_schema_migrations"},
        {"ActiveRecord::Base.table_name_suffix = \"_v2\"", "schema_migrations_v2"},
        {"ActiveSupport.on_load(:active_record) { self.schema_migrations_table_name = 'm' }", "m"},
        {"# config.active_record.table_name_prefix = 'shop_'", "schema_migrations"},
        {"config.active_record.table_name_prefix = ENV['PREFIX']", "schema_migrations"},
        {"config.active_record.table_name_prefix = \"#{name}_\"", "schema_migrations"},
        {"config.active_record.table_name_prefix == 'shop_'", "schema_migrations"},
        {"self.table_name_prefix = 'admin_'", "schema_migrations"},
        {"Admin.table_name_prefix = 'admin_'", "schema_migrations"},
        {"table_name_prefix = 'admin_'", "schema_migrations"},
        {"config.active_record.table_name_prefix = 'unfinished", "schema_migrations"},
        {"config.active_record.table_name_prefix", "schema_migrations"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        begin();
        put("config/application.rb", rows[i].line);
        expect(rows[i].name);
        assert_int_equal(directory_remove(root), 0);
    }
}

static void the_last_word_counts_in_the_order_in_which_rails_reads(void **state) {
    (void)state;
    begin();
    expect("schema_migrations");
    put("config/application.rb",
        "config.active_record.table_name_prefix = 'a_'\n"
        "config.active_record.table_name_suffix = '_z'\n");
    expect("a_schema_migrations_z");
    put("config/environments/staging.rb", "config.active_record.table_name_prefix = 's_'\n");
    expect("a_schema_migrations_z");
    put("config/environments/production.rb", "config.active_record.table_name_prefix = 'p_'\n");
    expect("p_schema_migrations_z");
    put("config/initializers/b/deep.rb", "ActiveRecord::Base.table_name_prefix = 'i_'\n");
    put("config/initializers/a.rb", "ActiveRecord::Base.table_name_prefix = 'h_'\n");
    put("config/initializers/c.txt", "ActiveRecord::Base.table_name_prefix = 'n_'\n");
    expect("i_schema_migrations_z");
    put("config/environment.rb", "ActiveRecord::Base.table_name_prefix = ''\n");
    expect("schema_migrations_z");
    assert_int_equal(directory_remove(root), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_it_or_says_nothing),
        cmocka_unit_test(the_last_word_counts_in_the_order_in_which_rails_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
