"""The command: those before which nothing is prepared, how one is started, and what the log says of it."""

import signal

import pytest

from conftest import SERVE
from flights import REPLICAS, assert_all_serve, assert_never_started, wait_until_one_prepares

pytestmark = pytest.mark.race


# --- commands that do not prepare ---------------------------------------------


def test_a_command_that_is_not_a_server(scene, unused_listener):
    replica = scene.start_one(
        command=("echo", "hi"), environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 0
    assert replica.stdout == ["hi"]
    assert replica.said("step_started") == []
    unused_listener.assert_untouched()


@pytest.mark.parametrize("how", [
    pytest.param({"options": ("--prepare=never",)}, id="flag"),
    pytest.param({"environment": {"SIGNALBOX_PREPARE": "never"}}, id="variable"),
])
def test_never_prepare(scene, unused_listener, how):
    environment = {"DATABASE_URL": unused_listener.url, **how.get("environment", {})}
    replica = scene.start_one(*how.get("options", ()), environment=environment)
    replica.wait_for_stdout("serving")
    assert replica.said("step_started") == []
    unused_listener.assert_untouched()


def test_explaining_touches_no_database(scene, unused_listener):
    replica = scene.start_one("--explain", environment={"DATABASE_URL": unused_listener.url})
    assert replica.exit_status() == 0
    assert_never_started(replica)
    assert "something" not in replica.transcript()
    unused_listener.assert_untouched()


# --- the command --------------------------------------------------------------


@pytest.mark.emulated
def test_the_server_gets_the_signal_and_gives_its_status(scene):
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 42
    assert len(replica.said("signal_forwarded")) == 1
    assert replica.said("command_ended")[0]["exit_status"] == 42


@pytest.mark.emulated
def test_where_there_is_an_init_the_command_takes_our_place(scene):
    scene.tell_step()
    replica = scene.start_one(command=("sh", "-c", "exec ./bin/rails server"), init=False)
    serving = replica.wait_for_stdout("serving")
    with open(f"/proc/{replica.pid()}/status", encoding="utf-8") as status:
        numbers = [line.split()[-1] for line in status if line.startswith("NSpid:")]
    assert serving == f"serving {numbers[0]}"
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 42


def test_five_replicas_where_there_is_an_init(scene):
    replicas = scene.start(REPLICAS, init=False)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    for replica in replicas:
        replica.wait_for_stdout("serving")
        # After this nothing of what was said before is still to be read.
        replica.destroy()
        assert len(replica.said("command_started")) == 1
    assert scene.step_runs() == [runner.name]


def test_a_server_that_does_not_exist(scene):
    scene.tell_step()
    replica = scene.start_one(command=("./bin/nothing/rails", "server"))
    assert replica.exit_status() == 127


@pytest.mark.parametrize("environment", [
    pytest.param({"RAILS_ENV": None}, id="no-environment"),
    pytest.param({"RAILS_ENV": "development"}, id="development"),
    pytest.param({"RAILS_ENV": "test"}, id="test"),
])
def test_in_development_every_replica_prepares_in_its_turn(scene, environment):
    scene.create_database()
    scene.tell_step(times=3)
    replicas = scene.start(3, environment=environment)
    assert_all_serve(replicas)
    # step_runs would have noticed two at once.
    assert sorted(scene.step_runs()) == [replica.name for replica in replicas]
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]
    assert all(len(replica.said("no_fingerprint")) == 1 for replica in replicas)


def test_the_log_as_json(scene):
    scene.tell_step()
    replica = scene.start_one("--release=r1")
    replica.wait_for("command_started")
    names = [event["event"] for event in replica.events]
    expected = ["command_recognised", "database_created", "lock_taken", "step_started",
                "step_ended", "prepared", "command_started"]
    assert [name for name in names if name in expected] == expected
    for event in replica.events:
        assert event["level"] in ("error", "warn", "info", "debug")
        assert event["host"] == "web-1" and event["release"] == "r1" and event["message"]
        assert len(event["at"]) == len("2026-11-21T08:00:00.000Z") and event["at"].endswith("Z")
    assert replica.said("step_ended")[0]["elapsed_ms"] >= 0
    assert replica.said("step_started")[0]["step"] == "./bin/rails db:prepare"
    assert replica.said("prepared")[0]["fingerprint"] == scene.ledger()[0]["fingerprint"]


def test_the_log_as_text(scene):
    scene.tell_step()
    replica = scene.start_one(command=SERVE, environment={"SIGNALBOX_LOG": None})
    replica.wait_for_stdout("serving")
    # After this nothing of what was said before is still to be read.
    replica.destroy()
    assert replica.events == []
    assert any("./bin/rails db:prepare" in line for line in replica.stderr)
