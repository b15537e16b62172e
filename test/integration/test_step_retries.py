"""--step-retries: what fails of a lock, a deadlock or a serialization failure runs again, aloud."""

import json
import signal
import subprocess

import pytest

from flights import assert_all_serve, assert_never_started, in_the_way

HELD = "LOCK TABLE trains IN ACCESS SHARE MODE"


def tries(scene):
    return [row[0] for row in scene.query("SELECT tries FROM signalbox_runs ORDER BY id")]


def wait_for_lock_wait(scene):
    """Until a step waits for somebody's lock."""
    scene.server.wait_until(
        "SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid)"
        f" WHERE NOT granted AND usename = '{scene.role}'"
        " AND application_name LIKE 'signalbox-step/%'")


def failed_once(scene, *options, **more):
    """A replica whose step has failed of a lock and is to run again, while the lock is held."""
    scene.tell_step("alter", times=20)
    replica = scene.start_one("--lock-timeout=100ms", "--step-retries=15", *options, **more)
    replica.wait_for("step_retried")
    return replica


def test_a_transaction_that_ends_during_the_second_try(trains):
    trains.tell_step("alter", times=9)
    with in_the_way(trains.server, trains.url(), "UPDATE trains SET owner = 'secret'") as session:
        replica = trains.start_one("--lock-timeout=1500ms", "--step-retries=8")
        retried = replica.wait_for("step_retried")
        wait_for_lock_wait(trains)
        session.run("COMMIT")
        replica.wait_for_stdout("serving")
    # That and why it ran twice, and what that means for what is not idempotent.
    said = retried["message"]
    assert said.startswith("it failed because of a lock that it could not have in time; in its way "
                           "was backend ")
    assert f"of role {trains.role}, sidekiq, idle in transaction" in said
    assert "its statement: UPDATE trains SET owner = ?" in said
    assert said.endswith(", try 2 of 9; what it has committed stays")
    assert "running it again from its beginning in " in said
    count = len(replica.said("step_started"))
    assert count >= 2
    assert "running again, try 2: " in replica.said("step_started")[1]["message"]
    assert trains.step_runs() == [replica.name] * count
    assert trains.ledger_states() == ["succeeded"]
    assert tries(trains) == [str(count)]
    status = subprocess.run(
        [trains.binary, "--status", "--log=json"], cwd=trains.directory, text=True, check=False,
        env={"DATABASE_URL": trains.url(), "RAILS_ENV": "production"}, capture_output=True)
    assert json.loads(status.stdout)["runs"][0]["tries"] == count


def test_one_that_does_not_end(trains):
    trains.tell_step("alter", times=2)
    with trains.held(HELD):
        replica, other = trains.start(2, "--lock-timeout=100ms", "--step-retries=1")
        assert [replica.exit_status(), other.exit_status()] == [3, 3]
    assert trains.ledger_states() == ["failed"]
    assert tries(trains) == ["2"]
    for each in (replica, other):
        failed, = each.said("prepare_failed")
        assert "failed with status 3 in `./bin/rails db:prepare` after 2 tries" in failed["message"]
        assert_never_started(each)
    trains.assert_lock_is_free()


def test_a_deadlock(trains):
    trains.query("CREATE TABLE wagons (id int)")
    trains.query(f"ALTER TABLE wagons OWNER TO {trains.role}")
    # The other session never looks for one, so that it is the step that is ended.
    trains.server.query(f"ALTER ROLE {trains.role} SET deadlock_timeout = '10ms'")
    (trains.byproducts / "script").write_text("""
        LOCK TABLE trains;
        DO $$ BEGIN
          WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                            AND relation = 'trains'::regclass) LOOP
            PERFORM pg_sleep(0.01);
          END LOOP;
        END $$;
        LOCK TABLE wagons""")
    trains.tell_step("script")
    trains.tell_step()
    with trains.server.session(trains.database) as session:
        session.run("SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE wagons")
        replica = trains.start_one("--step-retries=1")
        (table,), = trains.query("SELECT 'trains'::regclass::oid")
        trains.server.wait_until("SELECT count(*) > 0 FROM pg_locks WHERE granted"
                                 f" AND mode = 'AccessExclusiveLock' AND relation = {table}")
        session.run("LOCK TABLE trains; ROLLBACK")
        replica.wait_for_stdout("serving")
    retried, = replica.said("step_retried")
    assert "because of a deadlock" in retried["message"]
    assert tries(trains) == ["2"]


def test_what_lasts_fails_at_once(trains):
    trains.tell_step("exit 7")
    replica = trains.start_one("--step-retries=9")
    assert replica.exit_status() == 7
    assert replica.said("step_retried") == []
    assert len(replica.said("step_started")) == 1
    assert tries(trains) == ["1"]


def test_an_error_before_much_other_output_is_still_the_reason(trains):
    # As Ruby does, which keeps what it prints until it ends.
    replica = trains.start_one(
        "--step-retries=1", "--step",
        "sh -c 'echo \"ERROR:  deadlock detected\" >&2; seq 5000; exit 3'")
    assert replica.exit_status() == 3
    retried, = replica.said("step_retried")
    assert "because of a deadlock" in retried["message"]


def test_a_command_that_is_not_the_steps_is_not_tried_again(trains):
    """db:rollback STEP=2, once more from its beginning, would take back more than two."""
    trains.tell_step("alter", times=2)
    with trains.held(HELD):
        replica = trains.start_one("--lock-timeout=100ms", "--step-retries=1",
                                   command=["./bin/rails", "db:prepare", "VERSION=1"])
        assert replica.exit_status() == 3
    assert replica.said("step_retried") == []
    assert len(trains.step_runs()) == 1


def test_a_term_in_the_pause(trains):
    with trains.held(HELD):
        replica = failed_once(trains)
        # The second pause takes a second at least, which no signal needs.
        trains.server.wait_until_true(lambda: len(replica.said("step_retried")) == 2)
        replica.signal(signal.SIGTERM)
        assert replica.exit_status() == 128 + signal.SIGTERM
    assert len(replica.said("step_started")) == 2
    assert_never_started(replica)
    assert trains.ledger_states() == ["interrupted"]
    trains.assert_lock_is_free()


def test_a_lock_that_is_lost_in_the_pause(trains):
    with trains.held(HELD):
        replica = failed_once(trains)
        holder, = trains.lock_holders()
        trains.server.query(f"SELECT pg_terminate_backend({holder})")
        assert replica.exit_status() == 75
    assert_never_started(replica)
    assert trains.ledger_states() == ["interrupted"]


def test_a_runner_that_is_killed_between_two_tries(trains):
    with trains.held(HELD):
        runner = failed_once(trains, prefix="runner-")
        waiter = trains.start_one("--step-retries=15", prefix="waiter-")
        waiter.wait_for("waiting")
        runner.signal(signal.SIGKILL)
        waiter.wait_for("runner_died", holder="runner-1")
        waiter.wait_for("step_started")
    assert_all_serve([waiter])
    assert trains.ledger_states() == ["interrupted", "succeeded"]
    # Of the one that was killed nobody knows.
    assert tries(trains) == ["", "1"]


@pytest.mark.parametrize("schema", ["public", f'"the ""old"" ones {"y" * 46}"'])
def test_an_index_that_is_left_invalid_is_named_with_what_removes_it(trains, schema):
    name = f'"by Owner {"x" * 54}"'
    table = f"{schema}.trains"
    if schema != "public":
        trains.query(f"CREATE SCHEMA {schema} AUTHORIZATION {trains.role}; SET ROLE {trains.role};"
                     f" CREATE TABLE {table} AS SELECT * FROM trains")
    (trains.byproducts / "script").write_text(
        f"CREATE INDEX CONCURRENTLY {name} ON {table} (owner)")
    trains.tell_step("script", times=3)
    with in_the_way(trains.server, trains.url(), f"UPDATE {table} SET owner = 'x'"):
        replica = trains.start_one("--lock-timeout=100ms", "--step-retries=5")
        assert replica.exit_status() == 3
    named, = replica.said("index_invalid")
    assert named["message"].endswith(f"DROP INDEX CONCURRENTLY {schema}.{name}")
    # The second try fails of the index, which does not pass, and it is still there.
    assert len(replica.said("step_retried")) == 1
    assert len(replica.said("step_started")) == 2
    assert trains.query(f"SELECT indisvalid FROM pg_index WHERE indrelid = '{table}'::regclass") == [
        ("f",)]
    # What removes it is enough.
    trains.query(named["message"].rpartition("remove it: ")[2])
