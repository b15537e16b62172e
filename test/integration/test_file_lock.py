"""The lock of a SQLite app, which is a file: who holds it, where it can be, and which other can be chosen."""

import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import Scene
from file_scene import file_scene, read_ledger, variables  # noqa: F401
from flights import (
    assert_all_serve,
    assert_never_started,
    begun,
    serve_and_end,
    wait_until_one_prepares,
)
from namespace import DEADLINE_S, wait_until

pytestmark = pytest.mark.race


# --- the lock -------------------------------------------------------------------


@pytest.mark.parametrize("count", [5, pytest.param(50, id="fifty")])
def test_replicas_and_no_database_and_no_directory_for_it(scene, count):
    assert not scene.storage.exists()
    replicas = scene.start(count)
    runner, waiters = wait_until_one_prepares(replicas)
    for waiter in waiters:
        assert_never_started(waiter)
    scene.tell_step()
    assert_all_serve(replicas)
    assert scene.step_runs() == [runner.name]
    row, = scene.ledger()
    assert row["state"] == "succeeded" and row["exit_status"] == "0" and row["host"] == runner.name
    assert row["lock_key"] == "0" and row["initialises"] == "t"
    assert row["started"] <= row["finished"] and row["finished"].endswith("Z")
    assert len(row["run"]) == 16
    for waiter in waiters:
        assert waiter.said("step_started") == []
    scene.assert_lock_is_free()
    # Nothing else is left lying about.
    assert sorted(path.name for path in scene.storage.iterdir()) == [
        "production.sqlite3", "production.sqlite3-signalbox", "production.sqlite3-signalbox.ledger"]
    assert scene.lock_file().stat().st_size == 0


def test_two_lock_keys_have_locks_and_ledgers_of_their_own(scene):
    scene.create_database()
    first = begun(scene, "--lock-key=1", prefix="one-")
    second = serve_and_end(
        scene, "--step=echo second", prefix="two-", environment={"SIGNALBOX_LOCK_KEY": "-2"})
    assert "second" in second.stdout
    assert_never_started(first)
    assert len(scene.lock_holders(1)) == 1
    scene.tell_step()
    assert_all_serve([first])
    for key, host in ((1, "one-1"), (-2, "two-1")):
        row, = scene.ledger(key)
        assert (row["lock_key"], row["state"], row["host"]) == (str(key), "succeeded", host)


def test_replicas_whose_database_is_a_link_into_a_volume_share_its_lock(scene, tmp_path):
    volume = tmp_path / "volume"
    volume.mkdir()
    other = tmp_path / "other"
    shutil.copytree(scene.directory, other)
    scene.storage.mkdir()
    (other / "storage").mkdir()
    for storage in (scene.storage, other / "storage"):
        (storage / "production.sqlite3").symlink_to(volume / "shop.db")
    runner = begun(scene, prefix="one-")
    assert sorted(os.listdir(volume)) == [
        "shop.db", "shop.db-signalbox", "shop.db-signalbox.ledger"]
    scene.directory = other
    waiter = scene.start_one(prefix="other-")
    waiter.wait_for("waiting", holder="one-1")
    scene.tell_step()
    assert_all_serve([runner, waiter])
    assert waiter.said("step_started") == []


def test_an_orphan_of_a_killed_runner_keeps_the_lock_until_it_is_gone(scene):
    scene.create_database()
    # Its child outlives it: nothing of Signalbox is left that could end it.
    step = ("sh -c 'exec 9>>$BYPRODUCTS/step.lock; flock 9;"
            " { echo at work; exec sleep infinity; } & wait'")
    runner = scene.start_one("--step", step, prefix="killed-", init=False)
    runner.wait_for_stdout("at work")
    preparer, = runner.children()
    os.kill(runner.pid(), signal.SIGSTOP)
    os.kill(preparer, signal.SIGKILL)
    runner.signal(signal.SIGKILL)
    runner.exit_status()
    wait_until(lambda: len(holders(scene.lock_file())) == 1, "the step's first process lives on")
    orphan, = holders(scene.lock_file())

    successor = scene.start_one("--step=echo taken over", prefix="successor-")
    successor.wait_for("waiting", holder="killed-1")
    assert successor.said("step_started") == []
    os.kill(orphan, signal.SIGKILL)
    successor.wait_for("runner_died")
    successor.wait_for_stdout("serving")
    scene.assert_step_is_dead()
    assert scene.ledger_states() == ["interrupted", "succeeded"]


def holders(path):
    """The processes that have this file open."""
    found = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == str(path):
                found.append(int(link.split("/")[2]))
        except OSError:
            continue  # It has ended meanwhile.
    return sorted(set(found))


def test_the_server_does_not_inherit_the_lock(scene):
    scene.tell_step()
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    assert holders(scene.lock_file()) == []


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_lock_file_that_is_removed_ends_the_step_that_relied_on_it(scene, replaced):
    scene.create_database()
    runner = begun(scene, prefix="runner-")
    scene.lock_file().unlink()
    if replaced:
        scene.lock_file().touch()
    assert runner.exit_status() == 75
    assert_never_started(runner)
    assert "removed or replaced" in runner.said("lock_lost")[0]["message"]
    scene.assert_step_is_dead()
    scene.tell_step()
    serve_and_end(scene, prefix="next-")
    assert scene.step_runs() == ["runner-1", "next-1"]
    assert scene.ledger_states() == ["interrupted", "succeeded"]


def mounted(scene, place, options, *words):
    """Runs Signalbox with this place mounted on itself."""
    script = f'mount --bind "$0" "$0" && mount -o remount,bind,{options} "$0" && exec "$@"'
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    return subprocess.run(
        ["unshare", "--mount", *user, "sh", "-c", script, place, scene.binary, *words],
        cwd=scene.directory, env=variables(scene), capture_output=True, text=True, check=False,
        timeout=DEADLINE_S)


def test_a_directory_that_cannot_be_written_to(scene):
    scene.create_database()
    result = mounted(scene, scene.storage, "ro", "true")
    assert result.returncode == 78
    assert f"cannot use the lock file {scene.lock_file()} (Read-only file system)" in result.stderr
    assert "--lock=file:PATH" in result.stderr

    # The lock can be had where it is, and without a ledger the steps run each time.
    scene.lock_file().touch()
    for _ in range(2):
        result = mounted(scene, scene.storage, "ro", "--step=echo the step ran", "true")
        assert result.returncode == 0 and result.stdout == "the step ran\n"
        assert f"no ledger ({scene.ledger_file()}.new cannot be written" in result.stderr


def test_a_database_that_is_mounted_without_its_directory(scene):
    scene.create_database()
    for place, is_told in ((scene.file, True), (scene.storage, False)):
        result = mounted(scene, place, "rw", "--step=true", "true")
        assert result.returncode == 0
        assert ("mount the directory instead" in result.stderr) == is_told


def test_lock_and_ledger_of_another_user(scene):
    with tempfile.TemporaryDirectory() as directory:
        shared = pathlib.Path(directory)
        shared.chmod(0o777)
        shutil.copy(scene.binary, shared / "signalbox")
        app = shared / "app"
        app.mkdir()
        (app / "config.ru").write_text("# content\n")
        words = [shared / "signalbox", f"--lock=file:{shared}/lock", "--step=echo the step ran"]
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]

        def run(*command):
            result = subprocess.run(
                [*command, "true"], cwd=app, env=variables(scene, DATABASE_URL="mysql2://db/shop"),
                capture_output=True, text=True, check=False, timeout=DEADLINE_S)
            assert result.returncode == 0, result.stderr
            return result

        assert run(*words).stdout == "the step ran\n"
        assert "already prepared" in run(*user, *words).stderr
        assert run(*user, *words, "--release=r2").stdout == "the step ran\n"
        assert [row["release"] for row in read_ledger(shared / "lock.ledger")] == ["", "r2"]
        (shared / "lock.ledger").chmod(0o600)
        os.chown(shared / "lock.ledger", 0, 0)
        result = run(*user, *words)
        assert result.stdout == "the step ran\n"
        assert "lock.ledger cannot be read (Permission denied); let this user" in result.stderr


@pytest.mark.parametrize("place, said", [
    ("storage", "it is a directory"),
    ("missing/lock", "/missing does not exist"),
    ("/dev/null", "it is not an ordinary file"),
])
def test_a_place_that_cannot_be_locked(scene, place, said):
    scene.create_database()
    replica = scene.start_one(f"--lock=file:{place}")
    assert replica.exit_status() == 78
    assert said in replica.said("database_refused")[0]["message"]
    assert_never_started(replica)


def test_a_database_that_nothing_would_create(scene):
    replica = scene.start_one("--step=echo nothing")
    assert replica.exit_status() == 78
    assert "production.sqlite3 (from DATABASE_URL) does not exist" in (
        replica.said("database_refused")[0]["message"])
    assert not scene.storage.exists()


def test_a_replica_that_only_waits_for_a_database_that_another_creates(scene):
    waiter = scene.start_one("--prepare=wait", command=("bin/jobs",), prefix="worker-")
    waiter.wait_for("waiting")
    scene.tell_step()
    serve_and_end(scene)
    waiter.wait_for_stdout("serving")
    assert waiter.said("lock_taken") == []


# --- the choice -----------------------------------------------------------------


def test_no_lock_runs_the_steps_at_every_start_and_says_so(scene):
    scene.create_database()
    first = begun(scene, "--lock=none", "--step=./bin/rails db:prepare", prefix="one-")
    second = serve_and_end(scene, "--lock=none", "--step=echo at the same time", prefix="two-")
    assert "at the same time" in second.stdout
    assert_never_started(first)
    assert "nothing keeps replicas apart" in second.said("no_fingerprint")[0]["message"]
    scene.tell_step()
    assert_all_serve([first])
    assert sorted(os.listdir(scene.storage)) == ["production.sqlite3"]
    waiter = scene.start_one("--lock=none", "--prepare=wait")
    assert waiter.exit_status() == 78


def test_no_lock_needs_no_database(scene):
    replica = serve_and_end(
        scene, "--lock=none", "--step=echo prepared", environment={"DATABASE_URL": None})
    assert "prepared" in replica.stdout


def test_a_lock_on_a_server_that_sqlite_does_not_have(scene):
    scene.create_database()
    replica = scene.start_one("--lock=postgres")
    assert replica.exit_status() == 78
    assert "remove --lock=postgres" in replica.said("configuration")[0]["message"]


def test_what_has_no_lock_of_its_own_can_have_a_file(scene):
    mysql = {"environment": {"DATABASE_URL": "mysql2://db/shop"}}
    replica = scene.start_one(**mysql)
    assert replica.exit_status() == 78
    for choice in ("--lock=file:PATH", "--lock=none", "SIGNALBOX_DATABASE_URL"):
        assert choice in replica.said("configuration")[0]["message"]
    lock = scene.byproducts / "lock"
    for holder in (None, "web-1"):
        replica = serve_and_end(scene, f"--lock=file:{lock}", "--step=echo prepared", **mysql)
        assert [event["holder"] for event in replica.said("already_prepared")] == (
            [holder] if holder else [])
    assert len(read_ledger(lock.with_name("lock.ledger"))) == 1


def test_a_file_for_an_app_on_postgresql_touches_no_server(server, binary, tmp_path, unused_listener):
    scene = Scene(server, binary, tmp_path)
    try:
        lock = scene.byproducts / "lock"
        replicas = scene.start(
            3, f"--lock=file:{lock}", "--step=sh -c 'echo prepared; read -r word <$BYPRODUCTS/gate'",
            environment={"DATABASE_URL": unused_listener.url})
        runner, _ = wait_until_one_prepares(replicas)
        scene.tell_step()
        assert_all_serve(replicas)
        unused_listener.assert_untouched()
        row, = read_ledger(lock.with_name("lock.ledger"))
        assert row["host"] == runner.name and row["databases"] == ""
    finally:
        scene.close()


def test_what_explains_the_lock_and_where_it_is(scene):
    for options, kind, path in (
            ((), "file", str(scene.lock_file())),
            (("--lock=file:tmp/lock", "--lock-key=3"), "file", str(scene.directory / "tmp/lock.3")),
            (("--lock=none",), "none", None)):
        replica = scene.start_one("--explain", *options)
        assert replica.exit_status() == 0
        page = json.loads(replica.stdout[0])
        assert (page["lock"], page["lock_path"]) == (kind, path)
    assert not scene.storage.exists()
