"""The ledger in a file, the database's file that it remembers, and what --status says of both."""

import json
import os
import shutil
import sqlite3

import pytest

from file_scene import file_scene, write_ledger  # noqa: F401
from flights import (
    assert_all_serve,
    assert_never_started,
    begun,
    prepared_once,
    serve_and_end,
    wait_until_one_prepares,
)

pytestmark = pytest.mark.race


# --- the ledger -----------------------------------------------------------------


def truncate(path):
    os.truncate(path, path.stat().st_size - 1)


def damage(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"succeeded")] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def fill(path):
    path.write_bytes(os.urandom(100_000))


def write_of_newer_version(path):
    path.write_text(path.read_text().replace("signalbox ledger 1", "signalbox ledger 2"))


def make_directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [
    truncate, damage, empty, fill, write_of_newer_version, make_directory])
def test_a_ledger_that_cannot_be_read_says_nothing_is_prepared(scene, harm):
    prepared_once(scene)
    ledger = scene.ledger_file()
    harm(ledger)
    harmed = None if ledger.is_dir() else ledger.read_bytes()
    for number in (1, 2):
        scene.tell_step()
        replica = serve_and_end(scene, prefix=f"again-{number}-")
        message = replica.said("ledger_unavailable")[0]["message"]
        assert str(ledger) in message and "every replica runs the steps, one after the other" in message
        assert "remove it to begin a new one" in message
    assert len(scene.step_runs()) == 3
    # It is left for whoever wants to see what happened to it.
    assert ledger.is_dir() or ledger.read_bytes() == harmed

    waiter = scene.start_one("--prepare=wait", prefix="waiter-")
    assert waiter.exit_status() == 78
    assert_never_started(waiter)

    # What was said to help does.
    ledger.rmdir() if ledger.is_dir() else ledger.unlink()
    scene.tell_step()
    serve_and_end(scene, prefix="mended-")
    assert serve_and_end(scene, prefix="last-").said("already_prepared", holder="mended-1")


def test_two_replicas_with_a_damaged_ledger_take_turns(scene):
    prepared_once(scene)
    truncate(scene.ledger_file())
    scene.tell_step(times=3)
    replicas = scene.start(3)
    assert_all_serve(replicas)
    # step_runs would have noticed two at once.
    assert sorted(scene.step_runs()) == ["first-1", "web-1", "web-2", "web-3"]


def test_a_ledger_removed_under_the_runner_is_made_again(scene):
    prepared_once(scene)
    runner = begun(scene, "--release=r2")
    scene.ledger_file().unlink()
    scene.tell_step()
    assert_all_serve([runner])
    row, = scene.ledger()
    assert (row["id"], row["release"], row["state"]) == ("2", "r2", "succeeded")


def test_a_run_that_somebody_else_has_decided_is_left_alone(scene):
    scene.create_database()
    runner = begun(scene)
    row, = scene.ledger()
    write_ledger(scene.ledger_file(), [{**row, "state": "interrupted"}])
    scene.tell_step()
    assert runner.exit_status() == 75
    assert_never_started(runner)
    assert scene.ledger_states() == ["interrupted"]


def test_a_ledger_of_another_version_is_read(scene):
    prepared_once(scene)
    row, = scene.ledger()
    fewer = {name: row[name] for name in ("id", "fingerprint", "state", "host")}
    write_ledger(scene.ledger_file(), [{"of a later version": "x", **fewer}])
    assert serve_and_end(scene, prefix="next-").said("already_prepared", holder="first-1")


def test_a_ledger_as_large_as_it_gets_is_read_and_pruned(scene):
    prepared_once(scene)
    row, = scene.ledger()
    many = [{**row, "id": str(number), "fingerprint": f"f{number}", "output": "x" * 200}
            for number in range(1, 5001)]
    write_ledger(scene.ledger_file(), [*many, {**row, "id": "5001"}])
    assert serve_and_end(scene, prefix="next-").said("already_prepared", holder="first-1")
    scene.tell_step()
    serve_and_end(scene, "--release=r2", prefix="r2-")
    assert len(scene.ledger()) == 1100
    assert scene.ledger()[-1]["id"] == "5002"


# --- the database's file --------------------------------------------------------


def remove(file):
    file.unlink()


def replace(file):
    copy = file.with_name("copy")
    shutil.copyfile(file, copy)
    copy.rename(file)


@pytest.mark.parametrize("change, said", [
    (remove, "no longer exists"),
    (empty, "is empty"),
    (replace, "is not the same file as before"),
])
def test_a_database_that_is_not_the_one_that_was_prepared(scene, change, said):
    prepared_once(scene)
    change(scene.file)
    replicas = scene.start(3)
    runner, _ = wait_until_one_prepares(replicas)
    assert f"{scene.file} {said}" in runner.said("lock_taken")[0]["message"]
    scene.tell_step()
    assert_all_serve(replicas)
    assert scene.step_runs()[-1] == runner.name
    assert scene.ledger_states() == ["succeeded", "succeeded"]
    assert serve_and_end(scene, prefix="last-").said("already_prepared", holder=runner.name)


def test_any_of_several_databases_counts(scene):
    scene.storage.mkdir()
    config = scene.directory / "config"
    config.mkdir()
    (config / "database.yml").write_text(
        "production:\n"
        "  primary: {adapter: sqlite3, database: storage/production.sqlite3}\n"
        "  queue: {adapter: sqlite3, database: storage/queue.sqlite3}\n"
        "  unused: {adapter: sqlite3, database: storage/unused.sqlite3}\n")
    step = "sh -c 'for name in production queue; do sqlite3 storage/$name.sqlite3 VACUUM; done'"
    options = {"environment": {"DATABASE_URL": None}}
    scene.file.touch()
    serve_and_end(scene, "--step", step, prefix="first-", **options)
    assert serve_and_end(scene, "--step", step, prefix="second-", **options).said(
        "already_prepared")
    (scene.storage / "queue.sqlite3").unlink()
    third = serve_and_end(scene, "--step", step, prefix="third-", **options)
    assert "queue.sqlite3 no longer exists" in third.said("lock_taken")[0]["message"]


def test_a_database_among_the_images_files_is_none_of_them(scene):
    url = "sqlite3:db/production.db"
    scene.file = scene.directory / "db" / "production.db"
    scene.tell_step()
    serve_and_end(scene, prefix="first-", environment={"DATABASE_URL": url})
    connection = sqlite3.connect(scene.file)
    with connection:
        connection.execute("CREATE TABLE trains (name text)")
    connection.close()
    again = serve_and_end(scene, prefix="again-", environment={"DATABASE_URL": url})
    assert again.said("already_prepared", holder="first-1")


# --- --status -------------------------------------------------------------------


def status(scene, *options):
    replica = scene.start_one("--status", *options)
    code = replica.exit_status()
    return code, json.loads(replica.stdout[0])


def test_what_status_says_of_files(scene):
    code, page = status(scene)
    assert (code, page["prepared"], page["runs"]) == (1, False, [])
    assert page["why"] == "the database storage/production.sqlite3 does not exist"
    assert page["lock"] == {"held": False, "by": None, "since": None}
    assert not scene.storage.exists()

    scene.create_database()
    runner = begun(scene, prefix="runner-")
    code, page = status(scene)
    assert (code, page["prepared"], page["lock"]["held"]) == (1, False, True)
    assert page["lock"]["by"] == "runner-1"
    assert page["lock"]["since"] == page["runs"][0]["started"]
    scene.tell_step()
    assert_all_serve([runner])

    code, page = status(scene)
    assert (code, page["prepared"]) == (0, True)
    assert page["lock"] == {"held": False, "by": None, "since": None}
    run, = page["runs"]
    assert (run["id"], run["state"], run["host"], run["exit_status"], run["step"]) == (
        1, "succeeded", "runner-1", 0, None)

    truncate(scene.ledger_file())
    code, page = status(scene)
    assert (code, page["prepared"], page["runs"]) == (1, False, [])
    code, page = status(scene, "--lock=none")
    assert (code, page["prepared"], page["why"]) == (
        1, False, "with --lock=none nothing is recorded")


# --- the truth afterwards ---------------------------------------------------------


def test_steps_that_made_another_file_are_said_recorded_and_do_not_count(scene):
    rails = scene.directory / "bin" / "rails"
    rails.rename(rails.with_name("real"))
    rails.write_text("#!/bin/sh\n[ \"$1\" != db:prepare ] || export DATABASE_URL=sqlite3:db/other.sqlite3\n"
                     "exec ./bin/real \"$@\"\n")
    rails.chmod(0o755)
    for number in ("first-", "later-"):
        scene.tell_step()
        replica = scene.start_one(prefix=number)
        assert_all_serve([replica])
        words = replica.said("steps_elsewhere")[0]["message"]
        assert "production.sqlite3 (primary) still does not exist" in words
        assert "SIGNALBOX_DATABASE_URL" in words
    assert "another database" in replica.said("lock_taken")[0]["message"]
    assert [run["state"] for run in scene.ledger()] == ["succeeded"] * 2
    exit_status, page = status(scene)
    assert exit_status == 1 and "another database" in page["runs"][0]["elsewhere"]
