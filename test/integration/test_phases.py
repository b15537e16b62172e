"""A kill and a signal in each phase of a run, and runs that meet."""

import os
import pty
import signal
import subprocess
import zlib

import pytest

from conftest import SERVE
from flights import assert_all_serve, assert_never_started, begun, prepared_once
from replica import first_with
from terminal import read_to_end
from test_fence import MIGRATOR_SALT

pytestmark = pytest.mark.race

TYPED = ("./bin/rails", "db:prepare")


def fencing(scene):
    """What keeps a runner from its first step: Rails' own lock, held by somebody else."""
    key = MIGRATOR_SALT * zlib.crc32(scene.database.encode())
    return scene.held(f"SELECT pg_advisory_lock({key})")


def recording(scene):
    """What keeps a runner from recording how its steps ended, and nobody from reading."""
    return scene.held("SELECT FROM signalbox_runs FOR UPDATE")


# --- a runner that is killed ------------------------------------------------------


def test_a_runner_killed_before_its_first_step_is_taken_over(scene):
    scene.create_database()
    with fencing(scene):
        runner = scene.start_one(prefix="killed-")
        runner.wait_for("waiting")
        waiter = scene.start_one(prefix="waiter-")
        waiter.wait_for("waiting", holder="killed-1")
        runner.signal(signal.SIGKILL)
        waiter.wait_for("runner_died")
        assert_never_started(waiter)
        assert waiter.said("step_started") == []
    scene.tell_step()
    assert_all_serve([waiter])
    assert scene.step_runs() == ["waiter-1"]
    assert scene.ledger_states() == ["interrupted", "succeeded"]


def test_a_runner_killed_between_its_steps_and_its_record_is_taken_over(scene):
    scene.create_database()
    runner = begun(scene, prefix="killed-")
    waiters = scene.start(2)
    for waiter in waiters:
        waiter.wait_for("waiting", holder="killed-1")
    with recording(scene):
        scene.tell_step()
        runner.wait_for("step_ended")
        # Nobody starts on steps that are not known to have ended well.
        for waiter in waiters:
            assert_never_started(waiter)
        runner.signal(signal.SIGKILL)
        runner.exit_status()
    successor = first_with(waiters, "step_started")
    scene.tell_step()
    assert_all_serve(waiters)
    assert scene.step_runs() == ["killed-1", successor.name]
    assert scene.ledger_states() == ["interrupted", "succeeded"]


# --- a signal -----------------------------------------------------------------------


def test_a_signal_while_the_outcome_is_recorded_loses_no_outcome_and_starts_no_server(scene):
    scene.create_database()
    runner = begun(scene)
    with recording(scene):
        scene.tell_step()
        runner.wait_for("step_ended")
        runner.signal(signal.SIGTERM)
        runner.wait_for("signal_forwarded")
    assert runner.exit_status() == 143
    assert_never_started(runner)
    assert scene.ledger_states() == ["succeeded"]
    scene.assert_lock_is_free()


def test_a_signal_while_the_ledger_does_not_answer(scene):
    prepared_once(scene)
    with scene.held("LOCK TABLE signalbox_runs IN ACCESS EXCLUSIVE MODE"):
        replica = scene.start_one()
        replica.wait_for("database_reached")
        replica.signal(signal.SIGTERM)
        assert replica.exit_status() == 143
    assert_never_started(replica)
    assert scene.ledger_states() == ["succeeded"]


# --- runs that meet -------------------------------------------------------------------


def test_two_releases_at_once_are_each_prepared_once(scene):
    scene.create_database()
    scene.tell_step(times=2)
    replicas = [replica for release in "AB" for replica in
                scene.start(3, "--release", release, prefix=f"{release.lower()}-")]
    assert_all_serve(replicas)
    assert sorted(host[0] for host in scene.step_runs()) == ["a", "b"]
    assert scene.ledger_states() == ["succeeded", "succeeded"]


def test_a_failed_release_fails_nobody_elses_replicas(scene):
    scene.create_database()
    runner = begun(scene, "--release", "A", prefix="a-")
    waiters = scene.start(2, "--release", "B", prefix="b-")
    for waiter in waiters:
        waiter.wait_for("waiting", holder="a-1")
    scene.tell_step("exit 3")
    assert runner.exit_status() == 3
    first_with(waiters, "step_started")
    scene.tell_step()
    assert_all_serve(waiters)
    assert scene.ledger_states() == ["failed", "succeeded"]


def test_replicas_wait_for_a_step_that_is_typed_as_the_command(scene):
    scene.create_database()
    typed = begun(scene, command=TYPED, prefix="typed-")
    replicas = scene.start(3)
    for replica in replicas:
        replica.wait_for("waiting", holder="typed-1")
    scene.tell_step()
    assert typed.exit_status() == 0
    assert_all_serve(replicas)
    assert scene.step_runs() == ["typed-1"]


def test_a_typed_step_waits_for_the_replica_that_prepares_and_then_runs_again(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    typed = scene.start_one(command=TYPED, prefix="typed-")
    typed.wait_for("waiting", holder="runner-1")
    scene.tell_step(times=2)
    assert typed.exit_status() == 0
    assert_all_serve([runner])
    assert scene.step_runs() == ["runner-1", "typed-1"]
    assert scene.ledger_states() == ["succeeded", "succeeded"]


def test_an_index_is_created_concurrently_while_twenty_wait(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    waiters = scene.start(20)
    for waiter in waiters:
        waiter.wait_for("waiting", holder="runner-1")
    scene.tell_step("index")
    assert_all_serve([runner, *waiters])
    assert scene.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_host'::regclass"
                       ) == [("t",)]


# --- a terminal ---------------------------------------------------------------------


def test_a_step_that_asks_the_terminal_gets_none_and_holds_up_nobody(scene):
    scene.create_database()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", scene.binary, "--step", "sh -c 'read answer </dev/tty'", *SERVE],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=scene.directory,
        env={"PATH": os.environ["PATH"], "RAILS_ENV": "production", "DATABASE_URL": scene.url()})
    os.close(theirs)
    said = read_to_end(ours)
    assert process.wait() == 2, said
    assert b"/dev/tty" in said
    assert scene.ledger_states() == ["failed"]
