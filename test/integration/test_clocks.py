"""Replicas whose clocks are an hour off, one ahead and one behind: only the server's counts."""

import datetime
import glob
import signal

import pytest

from flights import assert_all_serve, assert_never_started

# A library cannot come between a static binary and its clock.
pytestmark = pytest.mark.dynamic


def start_off(scene, hours, *options, **more):
    """A replica with its steps, to which the time of day is so many hours later."""
    library, = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return scene.start_one(*options, environment={
        "LD_PRELOAD": library, "FAKETIME": f"{hours:+}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # The sanitizers' runtime wants to come before any other library.
        "ASAN_OPTIONS": "verify_asan_link_order=0"}, **more)


def clock_of(replica):
    return datetime.datetime.fromisoformat(replica.events[0]["at"])


@pytest.fixture(params=[+1, -1], ids=["runner ahead", "runner behind"])
def ahead(request):
    return request.param


def met(scene, ahead, **more):
    """A runner with its step, and who waits for it, two hours apart."""
    runner = start_off(scene, ahead, prefix="runner-", **more)
    runner.wait_for_stderr("the complaint of the step")
    waiter = start_off(scene, -ahead, prefix="waiter-", **more)
    waiter.wait_for("waiting", holder="runner-1")
    apart = clock_of(runner) - clock_of(waiter)
    assert abs(apart - 2 * ahead * datetime.timedelta(hours=1)) < datetime.timedelta(minutes=30)
    return runner, waiter


def test_a_success_is_shared_and_needs_no_second_run(scene, ahead):
    scene.create_database()
    runner, waiter = met(scene, ahead)
    scene.tell_step()
    assert_all_serve([runner, waiter])
    later = start_off(scene, -ahead, prefix="later-")
    assert_all_serve([later])
    # "an hour ago" would be somebody's clock.
    said, = later.said("already_prepared", holder="runner-1")
    assert "hour" not in said["message"] and " h " not in said["message"]
    assert scene.step_runs() == ["runner-1"]


def test_a_failure_is_shared_with_who_waited_and_nobody_else(scene, ahead):
    scene.create_database()
    runner, waiter = met(scene, ahead)
    scene.tell_step("exit 7")
    assert [runner.exit_status(), waiter.exit_status()] == [7, 7]
    assert_never_started(waiter)
    scene.tell_step()
    assert_all_serve([start_off(scene, -ahead, prefix="later-")])
    assert scene.step_runs() == ["runner-1", "later-1"]


def test_what_failed_twice_rests_by_the_servers_clock(scene, ahead):
    scene.create_database()
    for number in ("one-", "two-"):
        scene.tell_step("exit 7")
        assert start_off(scene, ahead, prefix=number).exit_status() == 7
    resting = start_off(scene, -ahead, prefix="resting-")
    resting.wait_for("waiting")
    # By a clock two hours off it would run at once, or wait for two hours.
    scene.tell_step()
    assert_all_serve([resting])
    assert scene.step_runs() == ["one-1", "two-1", "resting-1"]


def test_a_dead_runner_is_taken_over(scene, ahead):
    scene.create_database()
    runner, waiter = met(scene, ahead)
    runner.signal(signal.SIGKILL)
    waiter.wait_for("runner_died", holder="runner-1")
    scene.tell_step()
    assert_all_serve([waiter])
    assert scene.ledger_states() == ["interrupted", "succeeded"]
