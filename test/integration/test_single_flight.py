"""Many replicas, one prepare: what happens to the others, and when a step fails."""

import signal

import pytest

from flights import (
    REPLICAS,
    assert_all_serve,
    assert_never_started,
    begun,
    prepared_once,
    wait_until_one_prepares,
)

pytestmark = pytest.mark.race


# --- one flight ---------------------------------------------------------------


@pytest.mark.emulated
def test_five_replicas_and_no_database(scene):
    assert not scene.database_exists()
    replicas = scene.start(REPLICAS)
    runner, waiters = wait_until_one_prepares(replicas)
    for waiter in waiters:
        assert_never_started(waiter)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)

    assert scene.step_runs() == [runner.name]
    assert sum(len(replica.said("database_created")) for replica in replicas) == 1
    owner, = scene.server.query(
        f"SELECT datdba::regrole FROM pg_database WHERE datname = '{scene.database}'")
    assert owner == (scene.role,)
    row, = scene.ledger()
    assert row["state"] == "succeeded" and row["exit_status"] == "0"
    assert row["host"] == runner.name and row["lock_key"] == "0"
    assert len(runner.said("prepared")) == 1
    for waiter in waiters:
        assert waiter.said("prepared") == [] and waiter.said("step_started") == []
    scene.assert_lock_is_free()

    # What the step writes goes where the step wrote it.
    assert runner.stdout.index("the output of the step") >= 0
    assert "the complaint of the step" in runner.stderr
    assert "the output of the step" not in runner.stderr
    assert "the complaint of the step" not in runner.stdout


def test_five_replicas_and_an_empty_database(scene):
    scene.create_database()
    replicas = scene.start(REPLICAS)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]
    assert scene.ledger_states() == ["succeeded"]
    assert not any(replica.said("database_created") for replica in replicas)


def test_five_replicas_over_a_socket(scene):
    scene.create_database()
    address = scene.url().replace(f"@{scene.server.host}:{scene.server.port}/", "@/").split("?")[0]
    replicas = scene.start(REPLICAS, environment={"DATABASE_URL": (
        f"{address}?host={scene.server.socket_directory}&port={scene.server.port}")})
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step()
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]


def test_five_replicas_and_nothing_to_do(scene):
    prepared_once(scene)
    replicas = scene.start(REPLICAS)
    # Nothing lets a step go on: one that started would never end.
    assert_all_serve(replicas)
    assert not any(replica.said("step_started") for replica in replicas)
    assert all(len(replica.said("already_prepared")) == 1 for replica in replicas)
    assert scene.step_runs() == ["first-1"]
    assert scene.ledger_states() == ["succeeded"]


def test_a_new_file_is_prepared_once(scene):
    prepared_once(scene)
    (scene.directory / "db/migrate/20261102000000_create_carriages.rb").write_text("# new\n")
    replicas = scene.start(REPLICAS)
    runner, _ = wait_until_one_prepares(replicas)
    scene.tell_step(times=REPLICAS)
    assert_all_serve(replicas)
    assert scene.step_runs() == ["first-1", runner.name]
    first, second = scene.ledger()
    assert first["fingerprint"] != second["fingerprint"]


def test_changed_content_of_a_file_is_prepared_once(scene):
    prepared_once(scene)
    migration = scene.directory / "db/migrate/20261101000000_create_trains.rb"
    # As many bytes as before, so only the content tells.
    migration.write_text(migration.read_text().replace("trains", "tracks"))
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == ["first-1", "web-1"]


def test_what_is_not_part_of_an_image_does_not_count(scene):
    prepared_once(scene)
    for name in ("log", "tmp", "storage", "node_modules", "public", ".git", "vendor/bundle"):
        (scene.directory / name).mkdir(parents=True, exist_ok=True)
        (scene.directory / name / "by-product").write_text("new\n")
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert replica.said("step_started") == []


def test_a_release_is_prepared_once_whatever_its_content(scene):
    prepared_once(scene)
    scene.tell_step(times=2)
    for _ in range(2):
        replica = scene.start_one("--release=r2")
        replica.wait_for_stdout("serving")
        replica.destroy()
    assert scene.step_runs() == ["first-1", "web-1"]
    assert [row["release"] for row in scene.ledger()] == ["", "r2"]


def test_two_lock_keys_do_not_exclude_each_other(scene):
    scene.create_database()
    first = begun(scene, "--lock-key=1", prefix="one-")
    second = scene.start_one(
        "--step=echo second", prefix="two-", environment={"SIGNALBOX_LOCK_KEY": "-2"})
    second.wait_for_stdout("serving")
    assert_never_started(first)
    assert len(scene.lock_holders(1)) == 1
    scene.tell_step()
    assert_all_serve([first])
    assert [(row["lock_key"], row["state"]) for row in scene.ledger()] == [
        ("1", "succeeded"), ("-2", "succeeded")]


def test_an_index_is_created_concurrently_while_others_wait(scene):
    # CREATE INDEX CONCURRENTLY waits for every snapshot in the database that
    # is older than it: neither the runner nor a waiter may keep one.
    scene.create_database()
    replicas = scene.start(21)
    wait_until_one_prepares(replicas)
    scene.tell_step("index")
    assert_all_serve(replicas)
    assert scene.query("SELECT 1 FROM pg_index WHERE indexrelid = 'by_host'::regclass"
                       " AND indisvalid") == [("1",)]
    assert scene.ledger_states() == ["succeeded"]


# --- failure ------------------------------------------------------------------


def test_the_failure_of_the_step_is_shared_by_all_who_waited(scene):
    scene.create_database()
    replicas = scene.start(REPLICAS)
    runner, waiters = wait_until_one_prepares(replicas)
    scene.tell_step("exit 7")
    for replica in replicas:
        assert replica.exit_status() == 7
        assert_never_started(replica)
        assert len(replica.said("prepare_failed")) == 1
    assert runner.said("step_failed")[0]["exit_status"] == 7
    assert scene.step_runs() == [runner.name]
    row, = scene.ledger()
    assert row["state"] == "failed" and row["exit_status"] == "7"
    scene.assert_lock_is_free()

    # Who comes later does not share it, but tries again.
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.step_runs() == [runner.name, "later-1"]
    assert scene.ledger_states() == ["failed", "succeeded"]


def test_a_step_that_a_signal_ended(scene):
    scene.create_database()
    runner = begun(scene)
    scene.tell_step("kill KILL")
    assert runner.exit_status() == 128 + signal.SIGKILL
    assert_never_started(runner)
    assert scene.ledger_states()[0] in ("failed", "interrupted")
    scene.assert_lock_is_free()
    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    assert scene.step_runs() == ["web-1", "later-1"]
    assert scene.ledger_states()[1:] == ["succeeded"]


def test_steps_run_in_order_and_stop_at_the_first_failure(scene):
    scene.create_database()
    steps = ("--step=GREETING='good morning' sh -c 'echo \"$GREETING\"; exit 0'",
             "--step=sh -c 'echo second; exit 5'",
             "--step=echo third")
    replica = scene.start_one(*steps)
    assert replica.exit_status() == 5
    assert replica.stdout == ["good morning", "second"]
    assert len(replica.said("step_started")) == 2
    row, = scene.ledger()
    assert row["state"] == "failed" and "second" in row["step"]


def test_steps_from_the_environment(scene):
    scene.create_database()
    replica = scene.start_one(environment={"SIGNALBOX_STEPS": "echo first && echo 'a && b'"})
    replica.wait_for_stdout("serving")
    assert replica.stdout[:2] == ["first", "a && b"]


def test_a_step_that_does_not_exist(scene):
    scene.create_database()
    replica = scene.start_one("--step=./bin/nothing")
    assert replica.exit_status() == 127
    assert_never_started(replica)
    assert scene.ledger_states() == ["failed"]


def test_what_a_step_leaves_behind_is_ended_before_anybody_starts(scene):
    scene.create_database()
    runner = begun(scene)
    scene.tell_step("daemon")
    runner.wait_for("prepared")
    scene.assert_step_is_dead()
    runner.wait_for_stdout("serving")
