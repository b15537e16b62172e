"""Other roles than the server: those that wait, those that never prepare, the job that only does."""

import signal

import pytest

from flights import assert_all_serve, assert_never_started, begun, prepared_once

WORKER = ("./bin/jobs",)


def test_a_worker_that_waits_starts_when_another_replica_has_prepared(scene):
    scene.create_database()
    workers = scene.start(3, "--prepare=wait", command=WORKER, prefix="worker-")
    for worker in workers:
        waiting = worker.wait_for("waiting")
        assert "no replica is preparing this content" in waiting["message"]
    runner = begun(scene)
    for worker in workers:
        assert_never_started(worker)
    scene.tell_step()
    assert_all_serve([runner, *workers])
    for worker in workers:
        assert worker.said("step_started") == [] and worker.said("lock_taken") == []
    assert scene.step_runs() == [runner.name]


def test_a_worker_that_waits_says_for_whom(scene):
    scene.create_database()
    runner = begun(scene)
    worker = scene.start_one("--prepare=wait", command=WORKER, prefix="worker-")
    assert worker.wait_for("waiting")["holder"] == runner.name
    scene.tell_step()
    assert_all_serve([runner, worker])


def test_a_worker_that_waits_shares_the_failure(scene):
    scene.create_database()
    runner = begun(scene)
    worker = scene.start_one("--prepare=wait", command=WORKER, prefix="worker-")
    worker.wait_for("waiting")
    scene.tell_step("exit 9")
    assert runner.exit_status() == 9
    assert worker.exit_status() == 9
    assert_never_started(worker)


def test_a_worker_that_waits_starts_at_once_when_it_is_prepared(scene):
    prepared_once(scene)
    worker = scene.start_one("--prepare=wait", command=WORKER, prefix="worker-")
    assert_all_serve([worker])
    assert len(worker.said("already_prepared")) == 1


def test_a_worker_that_waits_waits_for_the_database_too(scene):
    worker = scene.start_one("--prepare=wait", command=WORKER, prefix="worker-")
    worker.wait_for("database_unreachable")
    assert not scene.database_exists()
    runner = begun(scene)
    scene.tell_step()
    assert_all_serve([runner, worker])


def test_waiting_ends_with_its_timeout(scene):
    scene.create_database()
    worker = scene.start_one(
        "--prepare=wait", "--wait-timeout=100ms", command=WORKER, prefix="worker-")
    assert worker.exit_status() == 75
    assert_never_started(worker)


def test_waiting_without_a_ledger_is_refused(scene):
    scene.create_database()
    worker = scene.start_one(
        "--prepare=wait", command=WORKER, environment={"RAILS_ENV": "development"})
    assert worker.exit_status() == 78
    assert "nothing to wait for" in worker.wait_for("database_refused")["message"]


def test_a_waiting_worker_leaves_at_once(scene):
    scene.create_database()
    worker = scene.start_one("--prepare=wait", command=WORKER, prefix="worker-")
    worker.wait_for("waiting")
    worker.signal(signal.SIGTERM)
    assert worker.exit_status() == 128 + signal.SIGTERM
    assert_never_started(worker)


def test_any_prepares_before_other_commands_too(scene):
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one("--prepare=any", command=WORKER)
    assert_all_serve([replica])
    assert scene.step_runs() == [replica.name]


def test_any_without_a_command_prepares_and_exits(scene):
    scene.create_database()
    scene.tell_step()
    job = scene.start_one("--prepare=any", command=())
    assert job.exit_status() == 0
    assert_never_started(job)
    assert scene.ledger_states() == ["succeeded"]
    again = scene.start_one("--prepare=any", command=(), prefix="again-")
    assert again.exit_status() == 0
    assert scene.step_runs() == [job.name]


def test_without_a_command_nothing_is_done(scene):
    replica = scene.start_one(command=())
    assert replica.exit_status() == 64
    assert "CMD" in replica.wait_for("usage")["message"]
    assert not scene.database_exists()


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_step_that_takes_too_long_is_ended_and_has_failed(scene, stubborn):
    scene.create_database()
    environment = {"STUBBORN": "1"} if stubborn else {}
    runner = scene.start_one(
        "--step-timeout=500ms", "--grace=500ms", environment=environment)
    assert runner.exit_status() == 128 + (signal.SIGKILL if stubborn else signal.SIGTERM)
    assert len(runner.said("step_timed_out")) == 1
    assert_never_started(runner)
    scene.assert_step_is_dead()
    assert scene.ledger_states() == ["failed"]
