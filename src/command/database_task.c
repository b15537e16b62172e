/*
 * The tasks, from activerecord's databases.rake (6.0 to 8.1), data_migrate's, and those of the gems
 * named in the rows. A row also counts for every task below it (`db:migrate:queue` for one
 * database, `db:migrate:with_data`, an app's own `db:seed:demo`), unless a longer row says
 * otherwise. A task that only reads the database (`db:migrate:status`) has a row of its own,
 * because under the lock it would wait for the end of a deploy.
 */
#include "command/database_task.h"

#include <stdbool.h>
#include <string.h>

#include "signalbox/base/cleanup.h"

static const struct database_task rows[] = {
    {"db:prepare", TASK_ADVANCES, "creates, loads, migrates and seeds, as each is due"},
    {"db:migrate", TASK_ADVANCES, "runs what is pending, and dumps the schema"},
    {"db:migrate:up", TASK_ADVANCES, "runs one migration"},
    {"db:migrate:down", TASK_REVERTS, "takes one migration back"},
    {"db:migrate:redo", TASK_REVERTS, "takes migrations back and runs them again"},
    {"db:migrate:reset", TASK_DROPS, "drops, creates and migrates"},
    {"db:migrate:status", TASK_HARMLESS, "prints what has run"},
    {"db:forward", TASK_ADVANCES, "runs the next migrations"},
    {"db:rollback", TASK_REVERTS, "takes the last migrations back"},
    {"db:version", TASK_HARMLESS, "prints the newest version"},
    {"db:abort_if_pending_migrations", TASK_HARMLESS, "compares files with the table"},
    {"db:create", TASK_HARMLESS, "makes what is missing"},
    {"db:drop", TASK_DROPS, "drops the database"},
    {"db:purge", TASK_DROPS, "drops the database and creates it again"},
    {"db:reset", TASK_DROPS, "drops, then sets up"},
    {"db:setup", TASK_ADVANCES, "creates, loads the schema and seeds"},
    {"db:schema:load", TASK_ADVANCES, "loads the schema, over the tables that are there"},
    {"db:schema:load_if_ruby", TASK_ADVANCES, "the same, until Rails 6.1"},
    {"db:schema:load_if_sql", TASK_ADVANCES, "the same, until Rails 6.1"},
    {"db:schema:dump", TASK_HARMLESS, "reads the schema and writes a file"},
    {"db:schema:cache", TASK_HARMLESS, "reads the schema and writes a file, or deletes that"},
    {"db:structure:load", TASK_ADVANCES, "loads structure.sql, until Rails 7.0"},
    {"db:structure:load_if_sql", TASK_ADVANCES, "the same, until Rails 6.1"},
    {"db:structure:dump", TASK_HARMLESS, "reads the schema and writes a file"},
    {"db:seed", TASK_ADVANCES, "runs db/seeds.rb"},
    {"db:seed:replant", TASK_REVERTS, "empties every table, the ledger too, and seeds"},
    {"db:truncate_all", TASK_REVERTS, "empties every table, the ledger too"},
    {"db:fixtures:load", TASK_REVERTS, "replaces rows by those of the fixtures"},
    {"db:fixtures:identify", TASK_HARMLESS, "looks for a row in files"},
    {"db:environment:set", TASK_HARMLESS, "writes one row that no migration reads"},
    {"db:charset", TASK_HARMLESS, "prints the encoding"},
    {"db:collation", TASK_HARMLESS, "prints the collation"},
    {"db:encryption:init", TASK_HARMLESS, "prints keys"},
    {"db:test", TASK_HARMLESS, "concerns the test databases only"},
    /* data_migrate; its tasks below db: stand below the rows above. */
    {"data:migrate", TASK_ADVANCES, "runs pending data migrations"},
    {"data:migrate:up", TASK_ADVANCES, "runs one data migration"},
    {"data:migrate:down", TASK_REVERTS, "takes one data migration back"},
    {"data:migrate:redo", TASK_REVERTS, "takes data migrations back and runs them again"},
    {"data:migrate:status", TASK_HARMLESS, "prints what has run"},
    {"data:forward", TASK_ADVANCES, "runs the next data migrations"},
    {"data:rollback", TASK_REVERTS, "takes data migrations back"},
    {"data:schema:load", TASK_ADVANCES, "says of data migrations that they have run"},
    {"data:version", TASK_HARMLESS, "prints the newest version"},
    {"data:dump", TASK_HARMLESS, "reads the versions and writes a file"},
    /* Others. */
    {"db:data:migrate", TASK_ADVANCES, "createk_data_migrator and the like: data migrations"},
    {"db:seed_fu", TASK_ADVANCES, "seed-fu: seeds"},
    {"seed:migrate", TASK_ADVANCES, "seed_migration: runs pending seeds"},
    {"seed:rollback", TASK_REVERTS, "seed_migration: takes seeds back"},
    {"after_party:run", TASK_ADVANCES, "after_party: runs what is to be run once a deploy"},
    {"apartment:migrate", TASK_ADVANCES, "apartment: migrates every tenant"},
    {"apartment:rollback", TASK_REVERTS, "apartment: takes migrations of every tenant back"},
    {"apartment:seed", TASK_ADVANCES, "apartment: seeds every tenant"},
};

const struct database_task *database_task_find(const char *name, size_t length) {
    const struct database_task *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        size_t row = strlen(rows[i].name);
        bool is_there = row <= length && memcmp(rows[i].name, name, row) == 0 &&
            (row == length || name[row] == ':');
        if (is_there && row > longest) {
            longest = row;
            found = &rows[i];
        }
    }
    return found;
}
