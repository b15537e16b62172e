"""A runner or a waiter that is killed, loses its server or gets a signal, and what the others do then."""

import os
import signal

import pytest

from flights import assert_all_serve, assert_never_started, begun
from replica import first_with

pytestmark = pytest.mark.race


# --- a runner that dies -------------------------------------------------------


def kill_init(runner):
    runner.signal(signal.SIGKILL)


def kill_preparer(runner):
    preparer, = runner.children()
    os.kill(preparer, signal.SIGKILL)


# A preparer whose parent is killed still puts its own row in order; any other
# death is found by the next.
@pytest.mark.parametrize("kill, init, found_dead", [
    pytest.param(kill_init, True, 1, id="init"),
    pytest.param(kill_preparer, True, 1, id="preparer-under-init"),
    pytest.param(kill_init, False, 0, id="parent-that-is-not-init"),
    pytest.param(kill_preparer, False, 1, id="preparer"),
])
def test_another_takes_over_when_the_runner_is_killed(scene, kill, init, found_dead):
    scene.create_database()
    runner = begun(scene, prefix="killed-", init=init)
    waiters = scene.start(2)
    for waiter in waiters:
        waiter.wait_for("waiting")
    kill(runner)
    runner.exit_status()
    assert_never_started(runner)
    successor = first_with(waiters, "step_started")
    other, = [waiter for waiter in waiters if waiter is not successor]
    # The new step has already written its row, and whether it met the old one.
    successor.wait_for_stderr("the complaint of the step")
    assert scene.step_runs() == ["killed-1", successor.name]
    assert scene.ledger_states() == ["interrupted", "running"]
    assert len(successor.said("runner_died")) == found_dead
    scene.tell_step()
    assert_all_serve(waiters)
    assert scene.ledger_states() == ["interrupted", "succeeded"]
    assert other.said("step_started") == []


def test_the_status_of_a_killed_preparer(scene):
    scene.create_database()
    runner = begun(scene)
    kill_preparer(runner)
    assert runner.exit_status() == 128 + signal.SIGKILL
    assert_never_started(runner)
    scene.assert_step_is_dead()


def test_a_lock_lost_with_its_connection_ends_the_step(scene):
    scene.create_database()
    runner = begun(scene)
    holder, = scene.lock_holders()
    scene.server.query(f"SELECT pg_terminate_backend({holder})")
    assert runner.exit_status() == 75
    assert len(runner.said("lock_lost")) == 1
    assert_never_started(runner)
    scene.assert_step_is_dead()
    state, = scene.ledger_states()
    assert state != "succeeded"

    # The next one finds out that nobody is at it any more.
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.ledger_states() == ["interrupted", "succeeded"]


@pytest.mark.parametrize("how", ["immediate", "fast"])
def test_a_server_that_is_restarted_under_the_step(scene, own_server, how):
    scene.use(own_server)
    runner = begun(scene, prefix="runner-")
    waiter = scene.start_one()
    waiter.wait_for("waiting")
    own_server.stop(how)
    assert runner.exit_status() == 75
    assert_never_started(runner)
    scene.assert_step_is_dead()
    assert_never_started(waiter)
    own_server.start()
    waiter.wait_for("runner_died")
    scene.tell_step()
    waiter.wait_for_stdout("serving")
    assert scene.step_runs() == ["runner-1", "web-1"]
    assert scene.ledger_states() == ["interrupted", "succeeded"]


def test_waiters_that_are_killed_or_frozen_harm_nobody(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    killed, frozen, other = scene.start(3)
    for waiter in (killed, frozen, other):
        waiter.wait_for("waiting")
    killed.signal(signal.SIGKILL)
    frozen.freeze()
    # No snapshot of theirs is in the way.
    scene.tell_step("index")
    assert_all_serve([runner, other])
    assert_never_started(frozen)
    frozen.thaw()
    assert_all_serve([frozen])
    assert scene.step_runs() == ["runner-1"]
    assert scene.ledger_states() == ["succeeded"]


# --- signals ------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
@pytest.mark.parametrize("init", [True, False], ids=["init", "not-init"])
def test_a_signal_while_preparing(scene, number, init):
    scene.create_database()
    runner = begun(scene, init=init)
    runner.signal(number)
    assert runner.exit_status() == 128 + number
    assert_never_started(runner)
    assert len(runner.said("cancelled")) == 1
    scene.assert_step_is_dead()
    scene.assert_lock_is_free()
    assert scene.ledger_states() == ["interrupted"]


def test_a_step_that_ignores_term_is_killed_after_the_grace(scene):
    scene.create_database()
    runner = begun(scene, "--grace=500ms", environment={"STUBBORN": "1"})
    runner.signal(signal.SIGTERM)
    assert runner.exit_status() == 128 + signal.SIGTERM
    scene.assert_step_is_dead()
    scene.assert_lock_is_free()
    assert scene.ledger_states() == ["interrupted"]


def test_other_signals_do_not_disturb_a_prepare(scene):
    scene.create_database()
    runner = begun(scene)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTSTP,
                   signal.SIGTTIN, signal.SIGPIPE, signal.SIGALRM):
        runner.signal(number)
    scene.tell_step()
    runner.wait_for_stdout("serving")
    assert scene.ledger_states() == ["succeeded"]


def test_term_while_waiting(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    leaver, stayer = scene.start(2)
    leaver.wait_for("waiting")
    stayer.wait_for("waiting")
    leaver.signal(signal.SIGTERM)
    # The step cannot have gone on, so this did not wait for it.
    assert leaver.exit_status() == 128 + signal.SIGTERM
    assert_never_started(leaver)
    assert scene.ledger_states() == ["running"]
    scene.tell_step()
    assert_all_serve([runner, stayer])
    assert scene.step_runs() == ["runner-1"]
    assert scene.ledger_states() == ["succeeded"]


def test_who_waited_too_long_gives_up(scene):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    waiter = scene.start_one("--wait-timeout=1s")
    assert waiter.exit_status() == 75
    assert_never_started(waiter)
    scene.tell_step()
    runner.wait_for_stdout("serving")


def test_term_while_the_database_is_not_there(scene, refusing_port):
    url = scene.url().replace(f":{scene.server.port}/", f":{refusing_port}/")
    replica = scene.start_one(environment={"DATABASE_URL": url})
    replica.wait_for("database_unreachable")
    replica.signal(signal.SIGTERM)
    assert replica.exit_status() == 128 + signal.SIGTERM
    assert_never_started(replica)
