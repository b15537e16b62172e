"""Replicas of a SQLite app that are killed at any moment, or whose disk is full: what is in the files then."""

import contextlib
import json
import os
import random
import signal
import subprocess

import pytest

from file_scene import file_scene, read_ledger, variables  # noqa: F401
from namespace import DEADLINE_S
from replica import children

pytestmark = pytest.mark.race


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
