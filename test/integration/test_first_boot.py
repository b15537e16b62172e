"""All databases of an application or none on a first boot, and none loaded over what somebody has."""

import os
import signal

import pytest

from processes import tree_of


def refused(replica, status):
    """The lines about the databases that stood in the way, the last word aside."""
    assert replica.exit_status() == status, replica.transcript()
    assert replica.said("command_started") == [] and replica.said("step_started") == []
    lines = [event["message"] for event in replica.said("database_refused")]
    assert "nothing has been touched" in lines[-1]
    return lines[:-1]


# --- all or nothing -------------------------------------------------------------


def test_a_server_for_the_cache_that_refuses_leaves_everything_untouched(shop, refusing_port):
    shop.further["cache"] = {"port": refusing_port}
    shop.write()
    lines = refused(shop.start(1, "--connect-timeout=1s"), 69)
    assert len(lines) == 1
    assert f"postgresql://{shop.scene.role}@127.0.0.1:{refusing_port}/{shop.names['cache']}" in (
        lines[0])
    assert "CACHE_DATABASE_URL says where it is" in lines[0]
    assert not any(shop.exist(role) for role in shop.roles) and shop.steps() == 0
    shop.further["cache"] = {}
    shop.write()
    shop.serve()
    assert shop.steps() == 1


def test_a_first_boot_waits_for_a_server_that_is_coming_up(shop, own_server):
    shop.use("queue", own_server)
    own_server.stop()
    replica = shop.start()
    assert "(queue)" in replica.wait_for("database_unreachable")["message"]
    assert not shop.exist("primary")
    own_server.start()
    replica.wait_for_stdout("serving")
    assert shop.steps() == 1


def test_every_database_that_is_not_to_be_had_is_named(shop):
    # What DATABASE_URL alone leaves of Rails' stock configuration.
    for role in ("cache", "queue"):
        shop.further[role] = {"host": None, "port": None}
    shop.write()
    lines = refused(shop.start(), 69)
    assert [role for role in shop.roles for line in lines
            if f"({role})" in line and f"{role.upper()}_DATABASE_URL" in line
            and "no host is named" in line] == ["cache", "queue"]
    assert not shop.exist("primary")


@pytest.mark.parametrize("first_exists", [False, True])
def test_a_queue_database_that_is_missing_and_not_creatable(shop, own_server, first_exists):
    shop.use("queue", own_server)
    own_server.query(f"ALTER ROLE {shop.scene.role} NOCREATEDB")
    if first_exists:
        shop.create("primary")
    lines = refused(shop.start(), 69)
    assert len(lines) == 1 and "(queue)" in lines[0] and "may not create databases" in lines[0]
    assert shop.exist("primary") == first_exists and not shop.exist("cache")
    if first_exists:
        assert shop.query("primary", "SELECT to_regclass('signalbox_runs') IS NULL") == [("t",)]
    own_server.query(f"ALTER ROLE {shop.scene.role} CREATEDB")
    shop.serve()
    assert shop.in_order() == shop.roles


def test_a_wrong_password_for_the_queue_is_said_at_once_and_nowhere_printed(shop):
    shop.further["queue"] = {"password": "hunter2 %secret"}
    shop.write()
    replica = shop.start()
    lines = refused(replica, 69)
    assert "(queue)" in lines[0] and "password" in lines[0]
    assert "hunter2" not in replica.transcript() and not shop.exist("primary")


def test_after_the_first_boot_a_missing_database_is_the_steps_own_business(shop):
    shop.serve()
    shop.drop("queue")
    shop.may_create(False)
    replica = shop.start()
    assert replica.exit_status() not in (0, 69, 78)
    assert replica.said("step_failed")


# --- never over somebody's tables -----------------------------------------------


def test_a_database_with_tables_and_no_schema_migrations_is_untouched(shop):
    shop.create()
    shop.query("primary", "CREATE TABLE customers (id int); INSERT INTO customers VALUES (1);"
               "CREATE TABLE orders (id int); CREATE VIEW all_customers AS TABLE customers")
    lines = refused(shop.start(), 78)
    assert len(lines) == 1 and "(primary)" in lines[0]
    assert "has 2 tables but no schema_migrations: db:prepare" in lines[0]
    assert "--allow-schema-load" in lines[0]
    assert shop.query("primary", "SELECT relname FROM pg_class WHERE relkind = 'r' AND"
                      " relnamespace = 'public'::regnamespace ORDER BY 1") == [
                          ("customers",), ("orders",)]
    assert shop.steps() == 0
    shop.serve("--allow-schema-load")
    assert shop.steps() == 1


def test_another_database_with_tables_is_untouched_and_the_first_is_not_created(shop):
    shop.create("queue")
    shop.query("queue", "CREATE TABLE jobs (id int)")
    lines = refused(shop.start(), 78)
    assert len(lines) == 1 and "(queue)" in lines[0] and "has 1 table but" in lines[0]
    assert not shop.exist("primary")


def test_tables_of_extensions_and_of_others_schemas_do_not_count(shop):
    shop.create("primary")
    shop.query("primary", "CREATE TABLE spatial_ref_sys (id int);"
               "ALTER EXTENSION plpgsql ADD TABLE spatial_ref_sys;"
               "CREATE SCHEMA theirs; CREATE TABLE theirs.customers (id int)")
    shop.serve()


def test_our_own_ledger_is_nobodys_table(shop):
    shop.create()
    shop.serve("--lock-key=5", "--step=true")
    shop.serve()


def test_a_prefix_of_schema_migrations_is_known(shop):
    shop.create("primary")
    shop.query("primary", "CREATE TABLE customers (id int);"
               "CREATE TABLE shop_schema_migrations (version varchar)")
    shop.serve()


def test_steps_that_load_nothing_may_run_beside_somebodys_tables(shop):
    shop.create()
    shop.query("primary", "CREATE TABLE customers (id int)")
    (shop.scene.directory / "Gemfile.lock").write_text("    activerecord (7.2.4)\n")
    shop.serve("--step=bin/rails db:migrate")


def test_db_migrate_loads_the_schema_since_rails_8(shop):
    shop.create()
    shop.query("primary", "CREATE TABLE customers (id int)")
    (shop.scene.directory / "Gemfile.lock").write_text("    activerecord (8.1.4)\n")
    lines = refused(shop.start(1, "--step=bin/rails db:migrate"), 78)
    assert "db:migrate" in lines[0]


def test_a_first_boot_that_was_killed_while_loading_is_taken_over(shop):
    # The schema of the queue is half loaded, and looks like somebody's tables.
    replica = shop.start(environment={"CUT": "queue"})
    replica.exit_status()
    assert shop.query("queue", "SELECT to_regclass('queue_things') IS NOT NULL,"
                      " to_regclass('schema_migrations') IS NULL") == [("t", "t")]
    shop.serve()
    assert shop.in_order() == shop.roles and shop.steps() == 2


def test_a_first_boot_that_was_killed_in_its_first_database_is_taken_over(shop):
    shop.start(environment={"CUT": "primary"}).exit_status()
    assert shop.query("primary", "SELECT to_regclass('schema_migrations') IS NULL") == [("t",)]
    shop.serve()


# --- missing databases ----------------------------------------------------------


@pytest.mark.parametrize("lock_file, creates", [("7.2.4", False), ("8.1.4", True), (None, False)])
def test_db_migrate_creates_since_rails_8(shop, lock_file, creates):
    shop.roles = ["primary"]
    shop.write()
    if lock_file:
        (shop.scene.directory / "Gemfile.lock").write_text(f"    activerecord ({lock_file})\n")
    replica = shop.start(1, "--step=bin/rails db:migrate")
    if creates:
        replica.wait_for_stdout("serving")
    else:
        assert replica.exit_status() == 78
        assert "no step would create it" in replica.said("database_refused")[0]["message"]
    assert shop.exist("primary") == creates


def test_a_typo_with_steps_that_create_nothing_makes_no_database(shop):
    replica = shop.start(1, "--step=bin/rails db:seed")
    assert replica.exit_status() == 78
    assert shop.names["primary"] in replica.said("database_refused")[0]["message"]
    assert not shop.exist("primary")


def test_five_replicas_and_none_of_the_databases(shop):
    replicas = shop.start(5)
    for replica in replicas:
        replica.wait_for_stdout("serving")
    assert shop.steps() == 1 and all(shop.exist(role) for role in shop.roles)


# --- the stock race that loses data ---------------------------------------------


# Rails asks whether there is a schema, and then loads one over whatever there is by then.
STALLING = r"""#!/bin/sh
case $1 in
  db:prepare)
    psql -X -q -v ON_ERROR_STOP=1 -d "$(head -1 "$BYPRODUCTS/databases" | cut -d '|' -f 2)" <<'SQL'
      SELECT to_regclass('schema_migrations') IS NULL AS is_new \gset
      \if :is_new
        \! echo "found no schema" >&2; read -r _ <"$BYPRODUCTS/gate"
        DROP TABLE IF EXISTS customers CASCADE;
        CREATE TABLE customers (id int);
        CREATE TABLE IF NOT EXISTS schema_migrations (version varchar);
      \endif
SQL
    ;;
  server) trap 'exit 42' TERM; sleep infinity & echo "serving $$"; wait ;;
esac
"""


@pytest.mark.soak
def test_a_process_that_stalls_between_finding_no_schema_and_loading_it_loses_nothing(shop):
    shop.roles = ["primary"]
    shop.write()
    shop.create("primary")
    (shop.scene.directory / "bin" / "rails").write_text(STALLING)
    stalled = shop.start(1, prefix="stalled-")
    stalled.wait_for_stderr("found no schema")
    container = tree_of(stalled.pid())
    for pid in container:
        os.kill(pid, signal.SIGSTOP)
    # The server lets go of the lock of a holder that it has not heard of for 30 s.
    later = shop.start(1, prefix="later-")
    later.wait_for_stderr("found no schema")
    shop.scene.tell_step()
    later.wait_for_stdout("serving")
    shop.query("primary", "INSERT INTO customers SELECT generate_series(1, 1000)")
    for pid in reversed(container):
        os.kill(pid, signal.SIGCONT)
    shop.scene.tell_step()
    assert stalled.exit_status() == 75
    assert stalled.said("command_started") == []
    assert shop.query("primary", "SELECT count(*) FROM customers") == [("1000",)]
