"""The truth afterwards: steps that migrated another database than the one that the lock is in."""

import json

import pytest

from flights import assert_all_serve

MIGRATION = "db/migrate/20261101000000_create_trains.rb"

# Takes another address than the environment says, as an initializer or a wrapper may make Rails do.
ASTRAY = """#!/bin/sh
[ "$1" != db:prepare ] || export DATABASE_URL="$STEPS_URL"
exec ./bin/real "$@"
"""

# Is connected where the lock is until somebody ends its session, and migrates nothing.
IDLE = """#!/bin/sh
[ "$1" = db:prepare ] || exec ./bin/real "$@"
psql -X -q -d "$DATABASE_URL" -c 'SELECT pg_sleep(600)' || true
"""

# Migrates in a schema of its own, which nothing of the configuration says.
OWN_SCHEMA = """#!/bin/sh
[ "$1" = db:prepare ] || exec ./bin/real "$@"
psql -X -q -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -c "
  CREATE SCHEMA IF NOT EXISTS own;
  SET search_path = own;
  CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY);
  INSERT INTO schema_migrations VALUES ('20261101000000') ON CONFLICT DO NOTHING"
"""


@pytest.fixture
def rails(scene):
    """Puts a program in the place of the application's own."""
    def put(text):
        own = scene.directory / "bin" / "rails"
        own.rename(own.with_name("real"))
        own.write_text(text)
        own.chmod(0o755)
    return put


@pytest.fixture
def astray(scene, own_server, rails):
    """An application whose steps migrate a database on another server."""
    own_server.create_role(scene.role, scene.password)
    own_server.create_database("steps", scene.role)
    rails(ASTRAY)
    return {"STEPS_URL": own_server.url("steps", scene.role, scene.password)}


def status(scene, environment):
    asked = scene.start_one("--status", command=(), prefix="ops-", environment=environment)
    exit_status = asked.exit_status()
    return exit_status, json.loads("\n".join(asked.stdout))


def test_steps_that_migrated_another_server_are_said_recorded_and_do_not_count(
        scene, own_server, astray):
    scene.tell_step()
    first = scene.start_one("--on-finish=sh -c 'echo the run went $SIGNALBOX_OUTCOME'",
                            environment=astray, prefix="first-")
    assert_all_serve([first])
    first.wait_for_stdout("the run went elsewhere")
    assert own_server.query("SELECT count(*) FROM step_runs", "steps") == [("1",)]
    warning, = first.said("steps_elsewhere", run=1)
    assert first.said("prepared") == []
    words = warning["message"]
    assert f"{scene.database} (primary) still has no schema_migrations" in words
    assert "does not count" in words and "SIGNALBOX_DATABASE_URL" in words

    assert scene.ledger_states() == ["succeeded"]
    (recorded,), = scene.query("SELECT elsewhere FROM signalbox_runs")
    assert "another database" in recorded
    exit_status, page = status(scene, astray)
    assert exit_status == 1 and page["prepared"] is False
    assert page["why"].endswith(f"but {recorded}") and page["runs"][0]["elsewhere"] == recorded
    text = scene.start_one("--status", "--log=text", command=(), prefix="person-",
                           environment=astray)
    assert text.exit_status() == 1
    assert f"does not count: {recorded}" in "\n".join(text.stdout)

    scene.tell_step()
    later = scene.start_one(environment=astray, prefix="later-")
    assert_all_serve([later])
    assert recorded in later.said("lock_taken")[0]["message"]

    # The way out is one: lock and ledger are where the steps are.
    scene.tell_step()
    mended = scene.start_one(environment=astray | {"SIGNALBOX_DATABASE_URL": astray["STEPS_URL"]},
                             prefix="mended-")
    assert_all_serve([mended])
    assert mended.said("steps_elsewhere") == []
    assert own_server.query("SELECT host, elsewhere FROM signalbox_runs", "steps") == [
        ("mended-1", "")]


def test_a_database_that_lacks_a_migration_as_before_is_named_with_it(scene, astray):
    scene.create_database()
    scene.query("CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
                f"ALTER TABLE schema_migrations OWNER TO {scene.role}")
    scene.tell_step()
    replica = scene.start_one(environment=astray)
    assert_all_serve([replica])
    assert f"still lacks {MIGRATION}" in replica.said("steps_elsewhere")[0]["message"]


def test_steps_that_were_seen_where_the_lock_is_went_nowhere_else(scene, rails):
    scene.create_database()
    rails(IDLE)

    def looks():
        return [line for line in scene.server.log().splitlines()
                if f"{scene.database} signalbox/web-1 LOG:  disconnection" in line]

    replica = scene.start_one()
    replica.wait_for("step_started")
    scene.server.wait_for_backends("signalbox-step/%", 1)
    before = len(looks())
    scene.server.wait_until_true(lambda: len(looks()) > before)
    step, = scene.server.backends("signalbox-step/%")
    scene.server.query(f"SELECT pg_terminate_backend({step})")
    assert_all_serve([replica])
    assert replica.said("steps_elsewhere") == []


def test_steps_that_are_in_the_right_place_are_not_suspected(scene):
    scene.tell_step()
    replica = scene.start_one()
    assert_all_serve([replica])
    assert replica.said("steps_elsewhere") == []
    assert scene.query("SELECT elsewhere IS NULL FROM signalbox_runs") == [("t",)]


def test_steps_with_a_schema_of_their_own_in_the_same_database_went_nowhere_else(scene, rails):
    scene.create_database()
    rails(OWN_SCHEMA)
    replica = scene.start_one()
    assert_all_serve([replica])
    assert replica.said("steps_elsewhere") == []
    assert len(replica.said("prepared", run=1)) == 1
    later = scene.start_one(prefix="later-")
    assert_all_serve([later])
    assert len(later.said("already_prepared")) == 1
