"""Every database of an application is looked at before a start: whether a prepare is due, and why."""

import json
import os
import secrets

import pytest

from postgres import Server
from shop import Shop


def status(shop):
    replica = shop.start(1, "--status", command=(), prefix="ops-")
    exit_status = replica.exit_status()
    return exit_status, json.loads("\n".join(replica.stdout))["prepared"]


def reason(replica):
    return replica.wait_for("lock_taken")["message"]


# --- the look before a start ----------------------------------------------------


def test_a_restart_finds_them_all_in_order_and_runs_nothing(shop):
    shop.serve()
    assert shop.in_order() == ["primary", "cache", "queue"]
    for replica in shop.start(5):
        replica.wait_for_stdout("serving")
        assert replica.said("already_prepared") and not replica.said("lock_taken")
    assert shop.steps() == 1


def test_a_queue_database_that_was_dropped_and_made_anew_is_prepared_again_at_once(shop):
    shop.serve()
    assert status(shop) == (0, True)
    shop.drop("queue")
    shop.create("queue")
    assert status(shop) == (1, False)
    replicas = shop.start(5)
    for replica in replicas:
        replica.wait_for_stdout("serving")
    runner, = [replica for replica in replicas if replica.said("lock_taken")]
    assert (f"the database {shop.names['queue']} (queue) has lost its schema_migrations"
            in reason(runner))
    assert shop.steps() == 2
    assert shop.query("queue", "SELECT max(version) FROM schema_migrations") == [("20261101000000",)]


def test_a_database_that_is_gone_is_prepared_again(shop):
    shop.serve()
    shop.drop("cache")
    replica = shop.serve()
    assert f"the database {shop.names['cache']} (cache) is gone" in reason(replica)
    assert shop.exist("cache") and shop.steps() == 2


def test_a_rollback_by_hand_is_migrated_again(shop):
    shop.serve()
    shop.query("primary", "DELETE FROM schema_migrations WHERE version = '20261102000000'")
    replica = shop.serve()
    assert "db/migrate/20261102000000_change.rb has been undone" in reason(replica)
    assert shop.query("primary", "SELECT count(*) FROM schema_migrations") == [("3",)]


def test_a_restored_dump_is_migrated_again(shop):
    shop.serve()
    shop.query("queue", "TRUNCATE schema_migrations")
    replica = shop.serve()
    assert "db/queue_migrate/20261101000000_change.rb" in reason(replica)


def test_versions_are_compared_as_numbers(shop):
    shop.add_migration("db/migrate", "0042")
    shop.serve()
    assert "primary" in shop.in_order()
    shop.query("primary", "UPDATE schema_migrations SET version = '42' WHERE version = '0042'")
    assert shop.serve().said("already_prepared")


def test_what_was_not_in_order_after_the_run_is_not_held_against_it(shop):
    # Rails has other paths in mind than config/database.yml says.
    (shop.scene.directory / "db" / "old_migrate").mkdir()
    shop.add_migration("db/old_migrate", "20200101000000")
    shop.further["queue"] = {"migrations_paths": ["db/queue_migrate", "db/old_migrate"]}
    shop.write()
    shop.serve()
    assert shop.in_order() == ["primary", "cache"]
    assert shop.serve().said("already_prepared") and shop.steps() == 1


def test_the_search_path_decides_which_schema_migrations_counts(shop):
    shop.search["primary"] = '"the app", public'
    shop.write()
    shop.create("primary")
    shop.query("primary", f'CREATE SCHEMA "the app" AUTHORIZATION {shop.scene.role};'
               "CREATE TABLE public.schema_migrations (version) AS"
               " VALUES ('20261101000000'), ('20261102000000');"
               f"GRANT SELECT ON public.schema_migrations TO {shop.scene.role}")
    shop.serve()
    assert shop.query("primary", 'SELECT count(*) FROM "the app".schema_migrations') == [("3",)]
    assert "primary" in shop.in_order()
    assert shop.serve().said("already_prepared")
    shop.query("primary", """DELETE FROM "the app".schema_migrations WHERE version = '20261102000000'""")
    assert "20261102000000_change.rb has been undone" in reason(shop.serve())


def test_names_with_quotes_and_spaces(shop):
    shop.names = {role: f"it's \"{role}\" {secrets.token_hex(4)} %" for role in shop.roles}
    shop.write()
    shop.serve()
    assert shop.in_order() == shop.roles
    assert shop.serve().said("already_prepared")
    shop.drop("queue")
    assert f"the database {shop.names['queue']} (queue) is gone" in reason(shop.serve())


def test_another_applications_schema_migrations_with_a_prefix_does_not_count_against_ours(shop):
    shop.create("primary")
    shop.query("primary", "CREATE TABLE other_schema_migrations (version varchar);"
               "CREATE TABLE golang_schema_migrations (dirty boolean)")
    shop.query("primary", f"GRANT SELECT ON other_schema_migrations TO {shop.scene.role}")
    shop.serve()
    assert "primary" in shop.in_order()
    assert shop.serve().said("already_prepared")


def test_a_table_of_migrations_with_the_name_that_the_application_gives_it_counts(shop):
    name = "schema_migrations_rb_on_rails"
    shop.create("primary")
    shop.query("primary", "CREATE TABLE people (name text);"
               f"CREATE TABLE {name} (version) AS VALUES ('20261101000000'), ('20261102000000');"
               f"GRANT SELECT ON {name} TO {shop.scene.role}")
    assert shop.start().exit_status() == 78
    (shop.scene.directory / "config" / "application.rb").write_text(
        f'config.active_record.schema_migrations_table_name = "{name}"\n')
    shop.serve()
    assert "primary" in shop.in_order()
    shop.query("primary", f"DELETE FROM {name}; DROP TABLE schema_migrations")
    assert "20261101000000_change.rb has been undone" in reason(shop.serve())


def test_a_cache_in_sqlite_is_left_out(shop):
    shop.roles.remove("cache")
    shop.write(cache={"adapter": "sqlite3", "database": "storage/cache.sqlite3"})
    shop.serve()
    assert shop.in_order() == ["primary", "queue"]
    assert shop.serve().said("already_prepared")


def test_who_only_waits_says_what_is_doubted_and_starts_when_it_is_mended(shop):
    shop.serve()
    shop.drop("queue")
    shop.create("queue")
    waiter = shop.start(1, "--prepare=wait", prefix="worker-")
    assert "(queue) has lost its schema_migrations" in waiter.wait_for("waiting")["message"]
    shop.serve()
    waiter.wait_for_stdout("serving")
    assert waiter.said("lock_taken") == [] and shop.steps() == 2


def test_a_queue_server_that_comes_up_later_is_waited_for(shop, own_server):
    shop.use("queue", own_server)
    shop.serve()
    own_server.stop()
    replica = shop.start()
    assert "(queue)" in replica.wait_for("database_unreachable")["message"]
    own_server.start()
    replica.wait_for_stdout("serving")
    assert replica.said("already_prepared") and shop.steps() == 1


def test_a_queue_database_without_a_free_connection_is_no_doubt(shop):
    shop.serve()
    quoted = '"' + shop.names["queue"] + '"'
    shop.scene.server.query(f"ALTER DATABASE {quoted} CONNECTION LIMIT 0")
    replica = shop.start()
    assert "too many connections" in replica.wait_for("database_unreachable")["message"]
    shop.scene.server.query(f"ALTER DATABASE {quoted} CONNECTION LIMIT -1")
    replica.wait_for_stdout("serving")
    assert replica.said("already_prepared") and shop.steps() == 1


def test_a_queue_server_that_stays_away_is_left_to_the_steps(shop, own_server):
    shop.use("queue", own_server)
    shop.serve()
    own_server.stop()
    replica = shop.start(1, "--connect-timeout=1s")
    assert replica.exit_status() not in (0, 69)
    assert "the state of the database" in reason(replica)
    assert any("cannot be asked" in event["message"]
               for event in replica.said("database_unreachable"))
    assert replica.said("step_failed")


def test_a_database_that_only_rails_knows_is_looked_at_too(shop):
    programs = shop.scene.byproducts / "programs"
    programs.mkdir()
    ruby = programs / "ruby"
    answers = []
    for role in shop.roles:
        answers.append(f'say database "$(hex {role})"')
        for key, value in shop.settings(role).items():
            is_list = key == "migrations_paths"
            answers.append(f"""say {'item' if is_list else 'value'} "$(hex {key})" "$(hex '{value}')\"""")
    ruby.write_text(r"""#!/bin/sh
marker=$(printf '%s' "$2" | sed -n "1s/^m = '\(.*\)'$/\1/p")
hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
say() { printf '\n%s %s\n' "$marker" "$*"; }
""" + "\n".join(answers) + f"\nsay end {len(shop.roles)}\n")
    ruby.chmod(0o755)
    (shop.scene.directory / "config" / "database.yml").write_text(
        "production:\n  password: <%= Rails.application.credentials.password %>\n")
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    assert shop.serve(environment=environment).said("rails_answered")
    assert shop.in_order() == shop.roles
    shop.query("queue", "TRUNCATE schema_migrations")
    assert "db/queue_migrate/" in reason(shop.serve(environment=environment))


@pytest.mark.once
def test_replicas_that_wait_for_a_slot_hold_none(scene):
    """They would otherwise wait for each other until all of them give up."""
    with Server(max_connections=12) as narrow:
        scene.use(narrow)
        shop = Shop(scene)
        shop.serve()
        try:
            for replica in shop.start(30):
                replica.wait_for_stdout("serving")
                assert replica.said("already_prepared")
        finally:
            for replica in scene.replicas:
                replica.destroy()


def test_a_lock_elsewhere_leaves_the_applications_databases_to_be_looked_at(shop):
    """--database-url may name a database that is none of Rails'."""
    elsewhere = f"{shop.scene.database}_locks"
    shop.scene.server.query(f"CREATE DATABASE {elsewhere} OWNER {shop.scene.role}")
    url = shop.scene.server.url(elsewhere, shop.scene.role, shop.scene.password)
    options = [f"--database-url={url}"]
    shop.serve(*options)
    assert shop.serve(*options).said("already_prepared")
    shop.query("primary", "DELETE FROM schema_migrations WHERE version = '20261102000000'")
    assert "20261102000000_change.rb has been undone" in reason(shop.serve(*options))


# --- why a prepare is due -------------------------------------------------------


def test_the_log_names_the_migration_that_is_new(shop):
    shop.serve()
    shop.add_migration("db/queue_migrate", "20270101000000")
    shop.add_migration("db/queue_migrate", "20270102000000")
    assert ("db/queue_migrate/20270101000000_change.rb is new since run 1, and 1 more"
            in reason(shop.serve()))


def test_the_log_names_the_database_that_is_new(shop):
    first = shop.serve()
    assert f"the database {shop.names['primary']} (primary) is new" in reason(first)
    shop.drop("queue")
    shop.add_migration("db/migrate", "20200101000000")
    shop.query("primary", "INSERT INTO schema_migrations VALUES ('20200101000000')")
    assert f"the database {shop.names['queue']} (queue) is new" in reason(shop.serve())
