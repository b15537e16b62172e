"""What the stories of many replicas share: how one begins, and who prepares, waits, serves or has not started."""

import contextlib
import os
import subprocess

from postgres import Session
from replica import first_with

# More of them for whoever looks for rare things (test/soak.sh).
REPLICAS = int(os.environ.get("REPLICAS", "5"))


def wait_until_one_prepares(replicas):
    """The replica that runs the step and those that wait for it, once all have got there."""
    for replica in replicas:
        replica.wait_for_any("step_started", "waiting")
    first_with(replicas, "step_started")
    runners = [replica for replica in replicas if replica.said("step_started")]
    assert len(runners) == 1, [replica.name for replica in runners]
    return runners[0], [replica for replica in replicas if replica is not runners[0]]


def assert_all_serve(replicas):
    for replica in replicas:
        replica.wait_for("command_started")
        replica.wait_for_stdout("serving")


def assert_never_started(replica):
    assert replica.said("command_started") == []
    assert not [line for line in replica.stdout if line.startswith("serving")]


def prepared_once(scene):
    """A scene whose content has been prepared by one replica, which is gone again."""
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one(prefix="first-")
    replica.wait_for_stdout("serving")
    replica.destroy()
    return scene


def begun(scene, *options, **more):
    """A replica that runs the step and goes on only when the test says so."""
    runner = scene.start_one(*options, **more)
    runner.wait_for("step_started")
    # The step's row is there, and its processes with it.
    runner.wait_for_stderr("the complaint of the step")
    return runner


def serve_and_end(scene, *options, **more):
    replica = scene.start_one(*options, **more)
    replica.wait_for_stdout("serving")
    replica.destroy()
    return replica


@contextlib.contextmanager
def in_the_way(server, url, sql, name="sidekiq"):
    """A session of the application's that has done this and keeps its transaction open."""
    process = subprocess.Popen(
        ["psql", "-X", "-q", "-t", "-A", "-d", url],
        env={"PATH": "/usr/bin:/bin", "PGAPPNAME": name}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        session = Session(process)
        session.run("BEGIN")
        session.run(sql)
        yield session
        process.stdin.close()
