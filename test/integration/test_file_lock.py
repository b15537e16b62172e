"""Many replicas of a SQLite app: the same stories, and those that only a file can tell."""

import contextlib
import glob
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import pytest

from conftest import SERVE, Scene
from file_scene import FileScene, read_ledger, write_ledger
from flights import (
    assert_all_serve,
    assert_never_started,
    begun,
    prepared_once,
    wait_until_one_prepares,
)
from namespace import DEADLINE_S
from replica import children

# The stories of PostgreSQL, on this file's `scene`.
from test_command import (  # noqa: F401
    test_a_server_that_does_not_exist,
    test_five_replicas_where_there_is_an_init,
)
from test_ledger import (  # noqa: F401
    test_a_deploy_that_was_stopped_does_not_count_as_a_death,
    test_a_failure_that_a_success_followed_needs_no_rest,
    test_a_rollback_finds_its_migrations_prepared,
    test_a_step_that_a_signal_ended_is_taken_over,
    test_steps_that_do_more_than_migrate_run_again_after_other_content,
    test_the_runner_says_since_when_its_content_is_new,
    test_the_third_step_in_a_row_that_a_signal_ended_has_failed,
    test_what_failed_often_rests_without_the_lock_before_it_runs_again,
    test_who_rests_leaves_at_once,
    test_whoever_waited_shows_the_last_lines_of_the_step_that_failed,
)
from test_phases import (  # noqa: F401
    test_a_failed_release_fails_nobody_elses_replicas,
    test_a_typed_step_waits_for_the_replica_that_prepares_and_then_runs_again,
    test_replicas_wait_for_a_step_that_is_typed_as_the_command,
    test_two_releases_at_once_are_each_prepared_once,
)
from test_runner_dies import (  # noqa: F401
    test_a_signal_while_preparing,
    test_a_step_that_ignores_term_is_killed_after_the_grace,
    test_another_takes_over_when_the_runner_is_killed,
    test_other_signals_do_not_disturb_a_prepare,
    test_term_while_waiting,
    test_the_status_of_a_killed_preparer,
    test_who_waited_too_long_gives_up,
)
from test_single_flight import (  # noqa: F401
    test_a_new_file_is_prepared_once,
    test_a_release_is_prepared_once_whatever_its_content,
    test_a_step_that_a_signal_ended,
    test_a_step_that_does_not_exist,
    test_changed_content_of_a_file_is_prepared_once,
    test_five_replicas_and_an_empty_database,
    test_five_replicas_and_nothing_to_do,
    test_steps_from_the_environment,
    test_steps_run_in_order_and_stop_at_the_first_failure,
    test_the_failure_of_the_step_is_shared_by_all_who_waited,
    test_what_a_step_leaves_behind_is_ended_before_anybody_starts,
    test_what_is_not_part_of_an_image_does_not_count,
)

pytestmark = pytest.mark.race


@pytest.fixture
def scene(binary, tmp_path):
    scene = FileScene(None, binary, tmp_path)
    try:
        yield scene
    finally:
        scene.close()


def serve_and_end(scene, *options, **more):
    replica = scene.start_one(*options, **more)
    replica.wait_for_stdout("serving")
    replica.destroy()
    return replica


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
    step = "sh -c 'exec 9>>$BYPRODUCTS/step.lock; flock 9; echo at work; sleep infinity & wait'"
    runner = scene.start_one("--step", step, prefix="killed-", init=False)
    runner.wait_for_stdout("at work")
    preparer, = runner.children()
    os.kill(runner.pid(), signal.SIGSTOP)
    os.kill(preparer, signal.SIGKILL)
    runner.signal(signal.SIGKILL)
    runner.exit_status()
    orphan, = [pid for pid in holders(scene.lock_file()) if comm_of(pid) == "sleep"]

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


def comm_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


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


def variables(scene, **more):
    return {"PATH": os.environ["PATH"], "RAILS_ENV": "production", "DATABASE_URL": scene.url(),
            "BYPRODUCTS": str(scene.byproducts), "SIGNALBOX_PREPARE": "any", **more}


def test_a_directory_that_cannot_be_written_to(scene):
    scene.create_database()
    result = mounted(scene, scene.storage, "ro", "true")
    assert result.returncode == 78
    assert f"the lock {scene.lock_file()} cannot be had (Read-only file system)" in result.stderr
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
        assert ("mount its directory" in result.stderr) == is_told


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
    ("/dev/null", "it is no ordinary file"),
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
        assert str(ledger) in message and "every replica runs the steps in its turn" in message
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


def test_the_ledger_keeps_no_secret_of_the_output(scene):
    scene.create_database()
    replica = scene.start_one(
        "--step", "sh -c 'echo API_TOKEN=hushhush; echo postgres://a:hushhush@b/c; exit 7'")
    assert replica.exit_status() == 7
    assert scene.last_output() == "API_TOKEN=***\npostgres://a:***@b/c"
    assert "hushhush" not in scene.ledger_file().read_text()


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


# --- the database's file ----------------------------------------------------------


def remove(file):
    file.unlink()


def replace(file):
    copy = file.with_name("copy")
    shutil.copyfile(file, copy)
    copy.rename(file)


@pytest.mark.parametrize("change, said", [
    (remove, "is not there any more"),
    (empty, "is empty"),
    (replace, "is another file than it was"),
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
    assert "queue.sqlite3 is not there any more" in third.said("lock_taken")[0]["message"]


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


# --- --status -----------------------------------------------------------------------


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


# --- a crash ----------------------------------------------------------------------


@pytest.mark.no_sanitizer
@pytest.mark.parametrize("call, nth", [
    # The run as it begins: the bytes, the file, the name …
    ("write", 1), ("fsync", 1), ("rename", 1), ("fsync", 2),
    # … and as it ends.
    ("write", 2), ("fsync", 3), ("rename", 2), ("fsync", 4),
])
def test_a_preparer_killed_while_it_writes_leaves_a_whole_ledger(scene, call, nth):
    scene.create_database()
    before = serve_and_read(scene, "--release=before")
    # Its log is written as well.
    where = [f"--trace-path={scene.ledger_file()}.new"] if call == "write" else []
    result = subprocess.run(
        ["strace", "--follow-forks", "--output=/dev/null", *where, f"--trace={call}",
         f"--inject={call}:signal=KILL:when={nth}", scene.binary, "--step=true", "true"],
        cwd=scene.directory, env=variables(scene), capture_output=True, text=True, check=False,
        timeout=DEADLINE_S)
    assert result.returncode == 137, result.stderr
    after = read_ledger(scene.ledger_file())
    assert after[:len(before)] == before and len(after) - len(before) in (0, 1)
    assert serve_and_read(scene)[-1]["state"] == "succeeded"
    assert not scene.ledger_file().with_name(f"{scene.ledger_file().name}.new").exists()


def serve_and_read(scene, *options):
    subprocess.run([scene.binary, "--step=true", *options, "true"], cwd=scene.directory,
                   env=variables(scene), check=True, timeout=DEADLINE_S,
                   stderr=subprocess.DEVNULL)
    return read_ledger(scene.ledger_file())


@pytest.mark.no_sanitizer
def test_a_disk_that_fills_up_while_the_steps_run_is_tried_again(scene):
    scene.create_database()
    result = subprocess.run(
        ["strace", "--follow-forks", "--output=/dev/null", "--trace=fsync",
         "--inject=fsync:error=ENOSPC:when=3", scene.binary, "--log=json", "--step=true", "true"],
        cwd=scene.directory, env=variables(scene), capture_output=True, text=True, check=False,
        timeout=DEADLINE_S)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["event"] for line in result.stderr.splitlines()].count("prepared") == 1
    assert scene.ledger_states() == ["succeeded"]


def test_runners_killed_at_any_moment_leave_a_whole_ledger(scene):
    scene.create_database()
    seed = int(os.environ.get("SIGNALBOX_SEED", random.randrange(2**32)))
    print(f"SIGNALBOX_SEED={seed}")
    chance = random.Random(seed)
    last = 0
    for number in range(int(os.environ.get("SIGNALBOX_KILLS", "40"))):
        process = subprocess.Popen(
            [scene.binary, "--step=true", f"--release={number}", "true"], cwd=scene.directory,
            env=variables(scene), stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(chance.uniform(0, 0.02))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        process.wait()
        scene.assert_lock_is_free()
        if scene.ledger_file().exists():
            ids = [int(row["id"]) for row in scene.ledger()]
            assert ids == sorted(set(ids)) and ids[-1] >= last
            last = ids[-1]
    assert serve_and_read(scene)[-1]["state"] == "succeeded"


# Its child outlives it by a moment, which is when a successor must not begin.
LINGERING = ("sh -c 'exec 9>>$BYPRODUCTS/step.lock; flock -n 9 || echo two >>$BYPRODUCTS/overlaps;"
             " sleep 0.3 & wait'")


def test_a_crowd_of_replicas_of_which_any_is_killed_never_runs_two_steps(scene):
    scene.create_database()
    seed = int(os.environ.get("SIGNALBOX_SEED", random.randrange(2**32)))
    print(f"SIGNALBOX_SEED={seed}")
    chance = random.Random(seed)
    for number in range(int(os.environ.get("SIGNALBOX_CROWDS", "10"))):
        crowd = [subprocess.Popen(
            [scene.binary, f"--step={LINGERING}", f"--release={number}", "true"],
            cwd=scene.directory, env=variables(scene), stderr=subprocess.DEVNULL)
            for _ in range(5)]
        for victim in chance.sample(crowd, 3):
            with contextlib.suppress(subprocess.TimeoutExpired):
                victim.wait(chance.uniform(0, 0.2))
            # The preparer alone, or first Signalbox, so that nobody ends what is left.
            for pid in [*([victim.pid] if chance.random() < 0.5 else []), *children(victim.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert {replica.wait(DEADLINE_S) for replica in crowd} <= {0, -9, 137}
        assert not (scene.byproducts / "overlaps").exists()
        rows = scene.ledger()
        # Who was not killed did not leave before it was prepared.
        assert [row["state"] for row in rows if row["release"] == str(number)][-1] == "succeeded"
    assert {row["state"] for row in scene.ledger()} <= {"succeeded", "interrupted"}


# --- the choice -------------------------------------------------------------------


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
    assert "leave --lock=postgres away" in replica.said("configuration")[0]["message"]


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
