"""Fewer connections than replicas: waiting takes none that the steps need, and all start in the end."""

import os
import signal
import subprocess

import pytest

from conftest import POSTGRES_VERSION
from flights import assert_all_serve, begun
from postgres import Server

REPLICAS = 40
CROWD = int(os.environ.get("CROWD", "1000"))
DEADLINE_S = 600

pytestmark = pytest.mark.once


@pytest.fixture
def narrow_server():
    """A server with 14 connections for ordinary roles."""
    with Server(max_connections=17, version=POSTGRES_VERSION) as server:
        yield server


def assert_no_step_was_refused(server):
    steps = [line for line in server.log().splitlines() if "signalbox-step/" in line]
    assert steps and not [line for line in steps if "FATAL" in line]


def test_forty_replicas_and_fourteen_connections(scene, narrow_server):
    scene.use(narrow_server)
    scene.create_database()
    # The step opens five connections at once, twenty times: none of them is refused.
    scene.tell_step("connect 20")
    replicas = scene.start(REPLICAS)
    assert_all_serve(replicas)
    runner, = scene.step_runs()
    assert [row["state"] for row in scene.ledger()] == ["succeeded"]
    for replica in replicas:
        assert len(replica.said("step_started")) == (replica.name == runner)
        assert replica.said("step_failed") == []
    assert_no_step_was_refused(narrow_server)


def test_a_waiter_that_has_hung_up_leaves_at_once_when_asked(scene, narrow_server):
    scene.use(narrow_server)
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    waiter = scene.start_one()
    waiter.wait_for("waiting")
    # It holds no connection between its looks.
    narrow_server.wait_until(
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name LIKE 'signalbox/%'")
    waiter.signal(signal.SIGTERM)
    assert waiter.exit_status() == 128 + signal.SIGTERM
    scene.tell_step()
    runner.wait_for_stdout("serving")


@pytest.mark.parametrize("limit, enough", [(2, False), (3, True)])
def test_a_role_with_too_few_connections_is_told(scene, limit, enough):
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} CONNECTION LIMIT {limit}")
    scene.tell_step()
    replica = scene.start_one()
    if enough:
        replica.wait_for_stdout("serving")
        assert scene.ledger_states() == ["succeeded"]
    else:
        assert replica.exit_status() == 78
        assert "CONNECTION LIMIT" in replica.said("database_refused")[0]["message"]


def test_twelve_replicas_and_a_role_with_eight_connections(scene):
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} CONNECTION LIMIT 8")
    scene.tell_step("connect 5")
    replicas = scene.start(12)
    assert_all_serve(replicas)
    assert len(scene.step_runs()) == 1


@pytest.fixture
def few(scene):
    """A scene whose role has so few connections that nobody who waits keeps one."""
    scene.create_database()
    scene.server.query(f"ALTER ROLE {scene.role} CONNECTION LIMIT 20")
    return scene


def wait_until_counted(scene, count):
    scene.server.wait_until_true(lambda: waiters_counted(scene) == [str(count)],
                                 f"{count} waiters in the ledger")


def waiters_counted(scene):
    return [waiters for waiters, in scene.query(
        "SELECT coalesce(to_jsonb(row) ->> 'waiters', '') FROM signalbox_runs AS row ORDER BY id")]


def test_waiters_that_hang_up_are_counted_once_each(few):
    runner = begun(few)
    waiters = few.start(3, prefix="waiter-")
    wait_until_counted(few, 3)
    # Meanwhile the others look again.
    waiters.append(few.start_one(prefix="later-"))
    waiters[-1].wait_for("waiting")
    wait_until_counted(few, 4)
    few.tell_step()
    assert_all_serve([runner, *waiters])
    assert waiters_counted(few) == ["4"]


def test_a_waiter_that_keeps_its_connection_is_not_counted(scene):
    scene.create_database()
    runner = begun(scene)
    waiter = scene.start_one()
    waiter.wait_for("waiting")
    scene.tell_step()
    assert_all_serve([runner, waiter])
    assert waiters_counted(scene) == [""]


def test_waiters_are_counted_anew_for_the_run_that_takes_over(few):
    runner = begun(few)
    waiters = few.start(2, prefix="waiter-")
    wait_until_counted(few, 2)
    runner.signal(signal.SIGKILL)
    few.server.wait_until_true(lambda: waiters_counted(few) == ["2", "1"], "a waiter of the second run")
    few.tell_step()
    assert_all_serve(waiters)


@pytest.mark.parametrize("change, remedy", [
    ("ALTER TABLE signalbox_runs DROP waiters", ""),
    ("ALTER TABLE signalbox_runs ALTER waiters TYPE text", ""),
    ("REVOKE UPDATE ON signalbox_runs FROM {role}", "GRANT UPDATE ON signalbox_runs TO {role}"),
    ("ALTER ROLE {role} SET default_transaction_isolation = 'repeatable read'", ""),
], ids=["older table", "another type", "may not write", "above read committed"])
def test_a_waiter_that_cannot_be_counted_waits_without_a_word(few, change, remedy):
    runner = begun(few)
    logged = len(few.server.log())
    few.query(change.format(role=few.role))
    waiter = few.start_one("--prepare=wait", prefix="waiter-")
    waiter.wait_for("waiting")
    few.server.wait_until_true(lambda: few.server.backends("signalbox/waiter-1") == [], "a rest")
    assert waiters_counted(few) == [""]
    few.query(remedy.format(role=few.role))
    few.tell_step()
    assert_all_serve([runner, waiter])
    assert [line for line in few.server.log()[logged:].splitlines()
            if "waiters" in line or "permission denied for table signalbox_runs" in line] == []


@pytest.mark.parametrize("lock", [
    "SELECT FROM signalbox_runs FOR UPDATE", "LOCK signalbox_runs IN SHARE MODE"], ids=["row", "table"])
def test_nobody_keeps_a_connection_because_the_row_is_somebody_elses(few, lock):
    runner = begun(few)
    with few.held(lock):
        waiter = few.start_one(prefix="waiter-")
        waiter.wait_for("waiting")
        few.server.wait_until_true(
            lambda: few.server.backends("signalbox/waiter-1") == [], "a rest")
    if lock.startswith("SELECT"):
        wait_until_counted(few, 1)
    few.tell_step()
    assert_all_serve([runner])


def test_waiters_are_counted_while_the_standby_is_away(scene, narrow_server):
    scene.use(narrow_server)
    scene.create_database()
    runner = begun(scene)
    narrow_server.query("ALTER SYSTEM SET synchronous_standby_names = 'away'")
    narrow_server.query("SELECT pg_reload_conf()")
    narrow_server.wait_until("SELECT current_setting('synchronous_standby_names') = 'away'")
    waiters = scene.start(2, prefix="waiter-")
    wait_until_counted(scene, 2)
    narrow_server.query("ALTER SYSTEM RESET synchronous_standby_names")
    narrow_server.query("SELECT pg_reload_conf()")
    scene.tell_step()
    assert_all_serve([runner, *waiters])


@pytest.mark.soak
def test_a_thousand_waiters_and_a_hundred_connections(scene, own_server):
    """Processes without a namespace of their own, so that a thousand are light; what they run once
    they may is `true`."""
    scene.use(own_server)
    scene.create_database()
    scene.tell_step("connect 60")
    environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production", "SIGNALBOX_PREPARE": "any",
                   "DATABASE_URL": scene.url(), "BYPRODUCTS": str(scene.byproducts)}
    output = scene.byproducts / "output"
    with open(output, "ab") as file:
        crowd = [subprocess.Popen([scene.binary, "true"], cwd=scene.directory, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=file)
                 for _ in range(CROWD)]
        statuses = [process.wait(4 * DEADLINE_S) for process in crowd]
    assert statuses == [0] * CROWD, output.read_text()[-5000:]
    assert len(scene.step_runs()) == 1
    assert scene.ledger_states() == ["succeeded"]
    assert_no_step_was_refused(own_server)
