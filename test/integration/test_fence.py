"""What a run that died leaves at work in the server, and what may begin beside it."""

import signal
import subprocess
import zlib

import pytest

from conftest import SERVE
from flights import assert_never_started, begun

pytestmark = pytest.mark.race

# ActiveRecord's migrator locks this times the checksum of the database's name.
MIGRATOR_SALT = 2053462845


def app_name(scene, key=0, run="0123456789abcdef"):
    """What the steps of a run are called in the server: design, section 6, "Fencing"."""
    value = 2166136261
    for byte in f"{scene.database}\npublic\n{key}".encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return f"signalbox-step/{value:08x}/{run}"


def busy(scene):
    """A runner whose step is in the middle of a statement that takes ten minutes."""
    runner = begun(scene)
    scene.tell_step("busy")
    scene.server.wait_for_backends(app_name(scene, run="%"), 1)
    return runner


class Stranger:
    """A session of the superuser, or of another role, which the app's may not end, doing
    `statement`."""

    def __init__(self, scene, name, statement, role=None):
        self.scene = scene
        self.name = name
        server = scene.server
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-d", server.url(
                scene.database, role or server.superuser,
                "of somebody else" if role else server.superuser_password)],
            env={"PATH": "/usr/bin:/bin", "PGAPPNAME": name},
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.process.stdin.write(statement)
        self.process.stdin.flush()
        scene.server.wait_for_backends(name, 1)

    def leave(self):
        self.process.kill()
        self.process.wait()
        for pid in self.scene.server.backends(self.name):
            self.scene.server.query(f"SELECT pg_terminate_backend({pid})")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()


def test_a_statement_that_outlives_its_runner_is_ended_before_the_next_step(scene):
    scene.create_database()
    runner = busy(scene)
    orphan, = scene.server.backends(app_name(scene, run="%"))
    runner.signal(signal.SIGKILL)
    runner.exit_status()
    # Nobody has told the server, and it does not look.
    assert scene.server.backends(app_name(scene, run="%")) == [orphan]

    scene.tell_step()
    later = scene.start_one(prefix="later-")
    later.wait_for_stdout("serving")
    later.wait_for("command_started")
    assert len(later.said("fenced")) >= 1
    assert later.said("fenced")[0]["at"] <= later.said("step_started")[0]["at"]
    assert orphan not in scene.server.backends(app_name(scene, run="%"))
    assert scene.ledger_states() == ["interrupted", "succeeded"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_step_that_is_stopped_leaves_nothing_at_work(scene, how):
    scene.create_database()
    runner = busy(scene)
    runner.signal(how)
    assert runner.exit_status() == 128 + how
    assert_never_started(runner)
    assert scene.server.backends(app_name(scene, run="%")) == []
    assert scene.ledger_states() == ["interrupted"]


def test_what_may_not_be_ended_is_waited_for_aloud(scene):
    scene.create_database()
    scene.tell_step()
    with Stranger(scene, app_name(scene), "SELECT pg_sleep(600);\n") as stranger:
        replica = scene.start_one()
        waiting = replica.wait_for("waiting")
        assert "may not end" in waiting["message"] and "postgres" in waiting["message"]
        assert replica.said("step_started") == []
        stranger.leave()
        replica.wait_for_stdout("serving")


@pytest.fixture
def neighbour(scene):
    """A role on the same server that has nothing to do with the app."""
    role = f"neighbour_{scene.role}"
    scene.server.create_role(role, "of somebody else")
    return role


def test_a_name_that_anybody_may_set_is_not_enough_to_be_waited_for(scene, neighbour):
    scene.create_database()
    scene.tell_step()
    key = MIGRATOR_SALT * zlib.crc32(scene.database.encode())
    with Stranger(scene, app_name(scene), "SELECT pg_sleep(600);\n", neighbour), \
            Stranger(scene, "a rival", f"SELECT pg_advisory_lock({key});\n", neighbour):
        replica = scene.start_one()
        replica.wait_for_stdout("serving")
        assert replica.said("waiting") == []
        assert len(scene.server.backends(app_name(scene))) == 1


@pytest.mark.parametrize("what", ["statement", "lock"])
def test_what_does_not_go_is_not_waited_for_without_end(scene, what):
    scene.create_database()
    key = MIGRATOR_SALT * zlib.crc32(scene.database.encode())
    name, statement = {
        "statement": (app_name(scene), "SELECT pg_sleep(600);\n"),
        "lock": ("a stock replica", f"SELECT pg_advisory_lock({key});\n")}[what]
    with Stranger(scene, name, statement):
        pid, = scene.server.backends(name)
        replica = scene.start_one("--wait-timeout=1s")
        assert replica.exit_status() == 75
        last = replica.said("prepare_failed")[-1]["message"]
        assert f"backend {pid} of role postgres" in last and "--wait-timeout" in last
        assert replica.said("step_started") == []
        assert scene.ledger_states() == ["interrupted"]
        scene.assert_lock_is_free()


def test_an_idle_session_that_may_not_be_ended_is_not_waited_for(scene):
    # Behind a pooler a connection keeps the name of who used it last.
    scene.create_database()
    scene.tell_step()
    with Stranger(scene, app_name(scene), "SELECT 1;\n"):
        replica = scene.start_one()
        replica.wait_for_stdout("serving")


def test_steps_of_another_lock_key_and_of_another_database_are_left_alone(scene):
    scene.create_database()
    scene.tell_step()
    other_app = "signalbox-step/00000000/0123456789abcdef"
    with Stranger(scene, app_name(scene, key=7), "SELECT pg_sleep(600);\n"), \
            Stranger(scene, other_app, "SELECT pg_sleep(600);\n"):
        replica = scene.start_one()
        replica.wait_for_stdout("serving")
        assert replica.said("fenced") == []
        assert len(scene.server.backends(app_name(scene, key=7))) == 1
        assert len(scene.server.backends(other_app)) == 1


def test_rails_own_migration_lock_is_waited_for(scene):
    scene.create_database()
    scene.tell_step()
    key = MIGRATOR_SALT * zlib.crc32(scene.database.encode())
    with Stranger(scene, "a stock replica", f"SELECT pg_advisory_lock({key});\n") as stranger:
        replica = scene.start_one()
        waiting = replica.wait_for("waiting")
        assert "Rails' own migration lock" in waiting["message"]
        assert "a stock replica" in waiting["message"]
        assert replica.said("step_started") == []
        stranger.leave()
        replica.wait_for_stdout("serving")


def test_a_step_knows_its_name_and_a_name_of_the_users_own_stays(scene):
    scene.create_database()
    scene.tell_step("name")
    first = scene.start_one()
    first.wait_for_stdout("serving")
    run = scene.ledger()[0]["run"]
    assert f"my name is {app_name(scene, run=run)}" in first.stdout
    scene.tell_step("name")
    second = scene.start_one("--release=2", command=SERVE, environment={"PGAPPNAME": "mine"})
    second.wait_for_stdout("serving")
    assert "my name is mine" in second.stdout


def test_a_signal_while_fencing_ends_it(scene):
    scene.create_database()
    with Stranger(scene, app_name(scene), "SELECT pg_sleep(600);\n"):
        replica = scene.start_one()
        replica.wait_for("waiting")
        replica.signal(signal.SIGTERM)
        assert replica.exit_status() == 128 + signal.SIGTERM
        assert replica.said("step_started") == []
        assert scene.ledger_states() == ["interrupted"]
        scene.assert_lock_is_free()
