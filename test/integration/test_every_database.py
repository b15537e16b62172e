"""Every database of an application: looked at before each start, all of them or none on a first boot."""

import json
import os
import secrets
import signal
import subprocess
import time
import zlib

import pytest
from postgres import Server
from test_fence import DEADLINE_S, MIGRATOR_SALT, app_name

VERSIONS = {"db/migrate": ["20261101000000", "20261102000000"],
            "db/queue_migrate": ["20261101000000"]}

# Stands for Rails with several databases: `db:prepare` creates each, and gives
# it its tables and its versions; `db:migrate` gives only the versions.
RAILS = r"""#!/bin/sh
set -eu
export PGOPTIONS='-c client_min_messages=warning'
sql() { psql -X -q -t -A -v ON_ERROR_STOP=1 -d "$@"; }
# Until it is killed in the middle, as CUT says.
prepare() {
  things="CREATE TABLE IF NOT EXISTS ${role}_things (id int)"
  rest=; [ "${CUT-}" != "$role" ] || rest='SELECT'
  migrate $rest 2>/dev/null || { sql "$maintenance" -c "CREATE DATABASE $quoted"; migrate $rest; }
  [ -z "$rest" ] || kill -s KILL $$
}
migrate() {
  rows="('0')"
  for file in "$path"/*.rb; do
    version=${file##*/}
    [ ! -e "$file" ] || rows="$rows, ('${version%%_*}')"
  done
  sql "$url" <<SQL
    SET search_path TO $search;
    ${things-};
    ${1-CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);
    INSERT INTO schema_migrations VALUES $rows ON CONFLICT DO NOTHING}
SQL
}
each() {
  while IFS='|' read -r role url maintenance quoted path search; do "$1"; done \
    <"$BYPRODUCTS/databases"
}
case ${1-} in
  db:prepare) echo "$1" >>"$BYPRODUCTS/steps"; each prepare ;;
  db:migrate) echo "$1" >>"$BYPRODUCTS/steps"; each migrate ;;
  server) trap 'exit 42' TERM; sleep infinity & echo "serving $$"; wait ;;
  *) exit 98 ;;
esac
"""

PATHS = {"primary": "db/migrate", "cache": "db/cache_migrate", "queue": "db/queue_migrate"}


class Shop:
    """An application with three databases, none of which exists yet."""

    def __init__(self, scene):
        self.scene = scene
        self.roles = list(PATHS)
        self.names = {role: scene.database + ("" if role == "primary" else f"_{role}")
                      for role in PATHS}
        self.servers = dict.fromkeys(PATHS, scene.server)
        self.search = dict.fromkeys(PATHS)
        self.further = dict.fromkeys(PATHS, {})
        (scene.directory / "config").mkdir()
        rails = scene.directory / "bin" / "rails"
        rails.write_text(RAILS)
        rails.chmod(0o755)
        for path, versions in VERSIONS.items():
            (scene.directory / path).mkdir(exist_ok=True)
            for file in (scene.directory / path).iterdir():
                file.unlink()
            for version in versions:
                self.add_migration(path, version)
        self.write()

    def add_migration(self, path, version):
        (self.scene.directory / path / f"{version}_change.rb").write_text("change\n")

    def use(self, role, server):
        """Puts a database on another server, where the role of the application has no database."""
        self.servers[role] = server
        server.create_role(self.scene.role, self.scene.password, "CREATEDB")
        self.write()

    def url(self, role, **options):
        return self.servers[role].url(
            self.names[role], self.scene.role, self.scene.password, **options)

    def settings(self, role):
        server = self.servers[role]
        settings = {"adapter": "postgresql", "host": server.host, "port": server.port,
                    "sslmode": "require", "database": self.names[role],
                    "username": self.scene.role, "password": self.scene.password}
        if role != "primary":
            settings["migrations_paths"] = PATHS[role]
        if self.search[role]:
            settings["schema_search_path"] = self.search[role]
        return settings | self.further[role]

    def write(self, **more):
        """Writes config/database.yml, and for the step the same in its own words."""
        configurations = {role: self.settings(role) for role in self.roles} | more
        # JSON is YAML.
        (self.scene.directory / "config" / "database.yml").write_text(
            json.dumps({"production": configurations}))
        lines = []
        for role in self.roles:
            server = self.servers[role]
            maintenance = server.url(
                "postgres", self.scene.role, self.scene.password, sslmode="disable")
            lines.append("|".join([role, self.url(role, sslmode="disable"), maintenance, self.quoted(role),
                                   PATHS[role], self.search[role] or "public"]) + "\n")
        (self.scene.byproducts / "databases").write_text("".join(lines))

    def quoted(self, role):
        return '"' + self.names[role].replace('"', '""') + '"'

    def create(self, *roles):
        for role in roles or self.roles:
            self.servers[role].query(
                f"CREATE DATABASE {self.quoted(role)} OWNER {self.scene.role}")

    def drop(self, role):
        self.servers[role].query(f"DROP DATABASE {self.quoted(role)} WITH (FORCE)")

    def may_create(self, may):
        for server in set(self.servers.values()):
            server.query(f"ALTER ROLE {self.scene.role} {'' if may else 'NO'}CREATEDB")

    def query(self, role, sql):
        return self.servers[role].query(sql, self.names[role])

    def exist(self, role):
        return self.servers[role].query(
            "SELECT 1 FROM pg_database WHERE datname = "
            + "'" + self.names[role].replace("'", "''") + "'") != []

    def start(self, count=1, *options, environment=None, **more):
        started = self.scene.start(count, *options, environment={
            "DATABASE_URL": None, **(environment or {})}, **more)
        return started[0] if count == 1 else started

    def serve(self, *options, **more):
        replica = self.start(1, *options, **more)
        replica.wait_for_stdout("serving")
        return replica

    def steps(self):
        path = self.scene.byproducts / "steps"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def in_order(self):
        """What the newest row of the ledger says about the databases."""
        rows = self.query(
            "primary", f"SET search_path TO {self.search['primary'] or 'public'};"
            "SELECT replace(coalesce(databases, ''), chr(10), ' ')"
            " FROM signalbox_runs ORDER BY id DESC LIMIT 1")
        return rows[0][0].split()


@pytest.fixture
def shop(scene):
    return Shop(scene)


def refused(replica, status):
    """The lines about the databases that stood in the way, the last word aside."""
    assert replica.exit_status() == status, replica.transcript()
    assert replica.said("command_started") == [] and replica.said("step_started") == []
    lines = [event["message"] for event in replica.said("database_refused")]
    assert "nothing has been touched" in lines[-1]
    return lines[:-1]


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
    assert "nobody can say what the database" in reason(replica)
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


# --- never over somebody's tables -------------------------------------------------


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


# --- missing databases ------------------------------------------------------------


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


# --- the fence on every server ----------------------------------------------------


def backends(server, name):
    return [int(pid) for pid, in server.query(
        f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE '{name}'")]


def wait_for_backends(server, name, count):
    """Asks the server again and again; a deadline instead of a pause."""
    end = time.monotonic() + DEADLINE_S
    while len(backends(server, name)) != count:
        assert time.monotonic() < end, f"never {count} backends like {name}"


@pytest.fixture
def session():
    """A session under a name that goes on with a statement until it is ended."""
    started = []

    def start(server, url, name, statement="SELECT pg_sleep(600)"):
        process = subprocess.Popen(
            ["psql", "-X", "-q", "-d", url, "-c", statement, "-c", "SELECT pg_sleep(600)"],
            env={"PATH": "/usr/bin:/bin", "PGAPPNAME": name}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_for_backends(server, name, 1)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def superuser_url(server, database):
    return server.url(database, server.superuser, server.superuser_password)


def test_what_an_earlier_run_does_on_another_server_is_ended_before_the_first_step(
        shop, own_server, session):
    shop.use("queue", own_server)
    shop.create()
    orphan = session(own_server, shop.url("queue"), app_name(shop.scene))
    # An application whose first database has the same name, on a server of its own, shares this one.
    own_server.query("CREATE DATABASE others_queue")
    session(own_server, superuser_url(own_server, "others_queue"),
            app_name(shop.scene, run="fedcba9876543210"))
    replica = shop.serve()
    assert orphan.wait(DEADLINE_S) != 0
    assert replica.said("fenced")[0]["at"] <= replica.said("step_started")[0]["at"]
    assert len(backends(own_server, "signalbox-step/%")) == 1


def test_a_step_that_is_stopped_leaves_nothing_at_work_on_another_server(shop, own_server):
    shop.use("queue", own_server)
    shop.create()
    replica = shop.start(1, f"--step=psql -X -d '{shop.url('queue')}' -c 'SELECT pg_sleep(600)'")
    replica.wait_for("step_started")
    wait_for_backends(own_server, "signalbox-step/%", 1)
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 143
    assert backends(own_server, "signalbox-step/%") == []


@pytest.mark.parametrize("on_another_server", [False, True])
def test_rails_own_lock_in_the_queue_database_is_waited_for(
        shop, own_server, session, on_another_server):
    if on_another_server:
        shop.use("queue", own_server)
    shop.create()
    server = shop.servers["queue"]
    key = MIGRATOR_SALT * zlib.crc32(shop.names["queue"].encode())
    session(server, superuser_url(server, shop.names["queue"]), "a stock replica",
            f"SELECT pg_advisory_lock({key})")
    replica = shop.start()
    message = replica.wait_for("waiting")["message"]
    assert f"Rails' own migration lock in {shop.names['queue']}" in message
    assert "a stock replica" in message and replica.said("step_started") == []
    pid, = backends(server, "a stock replica")
    server.query(f"SELECT pg_terminate_backend({pid})")
    replica.wait_for_stdout("serving")


def test_an_application_name_of_the_configurations_own_is_named_in_a_warning(shop):
    shop.further["queue"] = {"application_name": "shop"}
    shop.write()
    replica = shop.serve()
    warning, = replica.said("configuration_note")
    assert "`queue` has an application_name" in warning["message"]


# --- the stock race that loses data -------------------------------------------------

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


def descendants(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        children = [int(child) for child in file.read().split()]
    return [pid] + [below for child in children for below in descendants(child)]


@pytest.mark.soak
def test_a_process_that_stalls_between_finding_no_schema_and_loading_it_loses_nothing(shop):
    shop.roles = ["primary"]
    shop.write()
    shop.create("primary")
    (shop.scene.directory / "bin" / "rails").write_text(STALLING)
    stalled = shop.start(1, prefix="stalled-")
    stalled.wait_for_stderr("found no schema")
    container = descendants(stalled.pid())
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
