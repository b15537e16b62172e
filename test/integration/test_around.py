"""A step runs as the command will: its environment, its user, its directory, its secrets tool."""

import os
import shutil
import subprocess

import pytest

from conftest import DEADLINE_S
from flights import assert_never_started, begun, prepared_once

RAILS = "./bin/rails"


def prepare_around(scene, *command, environment=None):
    """What the step says of itself when `command` is what is started."""
    scene.create_database()
    scene.let_everybody_in()
    scene.tell_step("around")
    replica = scene.start_one(
        command=command, environment={"RAILS_ENV": None, **(environment or {})})
    replica.wait_for_stdout("serving")
    said, = [line for line in replica.stdout if line.startswith("as ")]
    return said.rstrip()


@pytest.mark.parametrize("command, named", [
    ((RAILS, "server", "--environment=staging"), "staging"),
    ((RAILS, "s", "-e", "staging"), "staging"),
    (("env", "RAILS_ENV=beta", RAILS, "server"), "beta"),
    (("sh", "-c", "RAILS_ENV=beta exec ./bin/rails s"), "beta"),
    (("sh", "-c", "export RAILS_ENV=beta; exec ./bin/rails server"), "beta"),
    (("env", "-u", "RAILS_ENV", "RACK_ENV=gamma", RAILS, "server"), "gamma"),
])
def test_the_step_has_the_commands_environment(scene, command, named):
    said = prepare_around(scene, *command)
    assert said == f"as root in {scene.directory} with {named}"


@pytest.mark.parametrize("wrapper", [
    ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    ("runuser", "-u", "nobody", "--"),
    ("chpst", "-u", "nobody"),
    ("gosu", "nobody"),
])
def test_the_step_is_run_by_the_commands_user(scene, wrapper):
    if shutil.which(wrapper[0]) is None:
        pytest.fail(f"{wrapper[0]} is missing: sh test/prerequisites.sh")
    said = prepare_around(scene, *wrapper, RAILS, "server",
                          environment={"RAILS_ENV": "production"})
    assert said == f"as nobody in {scene.directory} with production"


def test_the_step_runs_in_the_commands_directory(scene):
    elsewhere = scene.directory / "elsewhere"
    shutil.copytree(scene.directory / "bin", elsewhere / "bin")
    shutil.copytree(scene.directory / "db", elsewhere / "db")
    said = prepare_around(scene, "env", "-C", "elsewhere", RAILS, "server",
                          environment={"RAILS_ENV": "production"})
    assert said == f"as root in {elsewhere} with production"


def test_the_step_runs_under_the_commands_secrets_tool(scene):
    shutil.copy(scene.directory / "bin" / "secrets", scene.directory / "bin" / "doppler")
    said = prepare_around(scene, "./bin/doppler", "run", "--", RAILS, "server",
                          environment={"RAILS_ENV": "production"})
    assert said == f"as root in {scene.directory} with production told"


def test_a_database_that_only_a_secrets_tool_knows_is_refused_with_two_ways_out(scene):
    replica = scene.start_one(
        command=("doppler", "run", "--", RAILS, "server"), environment={"DATABASE_URL": None})
    assert replica.exit_status() == 78
    message = replica.wait_for("configuration")["message"]
    assert "before signalbox" in message and "SIGNALBOX_DATABASE_URL" in message


def test_the_database_is_that_of_the_commands_own_environment(scene):
    scene.create_database()
    scene.tell_step()
    replica = scene.start_one(
        command=("env", f"DATABASE_URL={scene.url()}", RAILS, "server"),
        environment={"DATABASE_URL": "postgresql://nobody@nowhere.invalid/nothing"})
    replica.wait_for_stdout("serving")
    assert scene.step_runs() == [replica.name]


# --- a hook that one already has counts -------------------------------------------


@pytest.mark.parametrize("hook", [
    (RAILS, "db:prepare"),
    ("bin/rails", "db:prepare"),
    ("env", "NOTHING=1", "bin/rails", "db:prepare"),
])
@pytest.mark.parametrize("mode", ["auto", "wait", "never"])
def test_the_step_typed_as_the_command_is_run_and_recorded(scene, hook, mode):
    scene.create_database()
    scene.tell_step()
    hooked = scene.start_one(f"--prepare={mode}", command=hook, prefix="hook-")
    assert hooked.exit_status() == 0
    assert_never_started(hooked)
    assert scene.ledger_states() == ["succeeded"]
    server = scene.start_one()
    server.wait_for_stdout("serving")
    server.wait_for("already_prepared")
    assert scene.step_runs() == [hooked.name]


def test_the_step_typed_again_is_run_again(scene):
    prepared_once(scene)
    scene.tell_step()
    hooked = scene.start_one(command=(RAILS, "db:prepare"), prefix="hook-")
    assert hooked.exit_status() == 0
    assert scene.step_runs() == ["first-1", hooked.name]
    assert scene.ledger_states() == ["succeeded", "succeeded"]


def test_the_step_typed_exits_with_its_own_status(scene):
    scene.create_database()
    scene.tell_step("exit 6")
    hooked = scene.start_one(command=(RAILS, "db:prepare"), prefix="hook-")
    assert hooked.exit_status() == 6
    assert scene.ledger_states() == ["failed"]


def test_a_part_of_the_step_is_run_under_the_lock_and_not_recorded(scene):
    scene.create_database()
    scene.tell_step()
    hooked = scene.start_one(
        command=(RAILS, "db:prepare"), prefix="hook-", environment={"VERSION": "20260101"})
    assert hooked.exit_status() == 0
    assert len(hooked.said("lock_taken")) == 1
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]


def test_a_migration_typed_takes_the_lock_and_is_not_recorded(scene):
    scene.create_database()
    hooked = scene.start_one(command=(RAILS, "db:migrate"), prefix="hook-")
    # The sample application knows no such task: what counts is how it was run.
    assert hooked.exit_status() == 98
    assert len(hooked.said("lock_taken")) == 1
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]
    scene.assert_lock_is_free()


@pytest.mark.parametrize("hook", [
    (RAILS, "db:prepare", "db:seed"),
    ("sh", "-c", "set -e; bin/rails db:prepare; echo more"),
])
def test_what_begins_with_the_whole_of_the_step_is_recorded_as_the_step(scene, hook):
    scene.create_database()
    scene.tell_step()
    hooked = scene.start_one(command=hook, prefix="hook-")
    assert hooked.exit_status() == 0
    assert scene.ledger_states() == ["succeeded"]
    server = scene.start_one()
    server.wait_for("already_prepared")


def test_what_may_hide_that_the_step_failed_is_not_recorded(scene):
    scene.create_database()
    scene.tell_step("exit 6")
    hooked = scene.start_one(
        command=("sh", "-c", "bin/rails db:prepare || true"), prefix="hook-")
    assert hooked.exit_status() == 0
    assert len(hooked.said("lock_taken")) == 1
    assert scene.query("SELECT to_regclass('signalbox_runs')") == [("",)]


def test_what_migrates_or_seeds_among_other_tasks_waits_for_the_replica_that_prepares(scene):
    scene.create_database()
    runner = begun(scene)
    hooks = [
        scene.start_one(command=command, prefix=f"hook{number}-")
        for number, command in enumerate([
            (RAILS, "db:migrate", "db:seed"),
            ("env", "NOTHING=1", RAILS, "preload", "db:migrate:with_data"),
            ("sh", "-c", "bin/rails db:create && bin/rails db:seed"),
        ])]
    for hook in hooks:
        hook.wait_for("waiting", holder=runner.name)
    scene.tell_step()
    runner.wait_for_stdout("serving")
    # The sample application knows none of these tasks: what counts is when they were run.
    assert [hook.exit_status() for hook in hooks] == [98, 98, 98]
    assert scene.ledger_states() == ["succeeded"]


def test_a_task_that_is_typed_hears_who_types(scene):
    scene.create_database()
    task = scene.directory / "bin" / "rake"
    task.write_text("#!/bin/sh\nread -r word\necho \"heard $word\"\n", encoding="ascii")
    task.chmod(0o755)
    typed = subprocess.run(
        [scene.binary, "bin/rake", "db:seed"], cwd=scene.directory, input="an answer\n",
        env={"PATH": os.environ["PATH"], "RAILS_ENV": "production", "DATABASE_URL": scene.url()},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S, check=False)
    assert (typed.returncode, typed.stdout) == (0, "heard an answer\n"), typed.stderr
    assert "took the lock" in typed.stderr


def test_what_only_looks_at_the_database_waits_for_nobody(scene):
    replica = scene.start_one(command=(RAILS, "db:migrate:status"))
    assert replica.exit_status() == 98
    assert replica.said("database_reached") == []


def test_a_step_inside_of_the_command_is_warned_of(scene):
    prepared_once(scene)
    scene.tell_step()
    replica = scene.start_one(
        command=("sh", "-c", f"bin/rails db:prepare && exec {RAILS} server"))
    replica.wait_for_stdout("serving")
    warnings = [event["message"] for event in replica.said("configuration_note")]
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "`bin/rails db:prepare` in the command runs outside of the lock")
    assert "take it out" in warnings[0]


# --- what else the command needs --------------------------------------------------


def test_a_stale_pid_file_is_removed_before_a_rails_server(scene):
    prepared_once(scene)
    pids = scene.directory / "tmp" / "pids"
    pids.mkdir(parents=True)
    stale = pids / "server.pid"
    # PID 1 is Signalbox now, and was the server in a container without Thruster.
    stale.write_text("1\n")
    replica = scene.start_one()
    replica.wait_for_stdout("serving")
    replica.wait_for("pid_file_removed")
    assert not stale.exists()


@pytest.mark.parametrize("command, environment", [
    ((RAILS, "server", "-P", "tmp/mine.pid"), {}),
    ((RAILS, "server", "--pid=tmp/mine.pid"), {}),
    ((RAILS, "server"), {"PIDFILE": "tmp/mine.pid"}),
    (("sh", "-c", f"exec {RAILS} s -P tmp/mine.pid"), {}),
])
def test_the_pid_file_is_where_the_command_says(scene, command, environment):
    prepared_once(scene)
    (scene.directory / "tmp").mkdir()
    stale = scene.directory / "tmp" / "mine.pid"
    stale.write_text("99999999")
    replica = scene.start_one(command=command, environment=environment)
    replica.wait_for_stdout("serving")
    assert not stale.exists()


def test_what_is_no_pid_file_is_left_alone(scene):
    prepared_once(scene)
    (scene.directory / "tmp").mkdir()
    kept = scene.directory / "tmp" / "mine.pid"
    kept.write_text("not a number")
    replica = scene.start_one(command=(RAILS, "server", "-P", "tmp/mine.pid"))
    replica.wait_for_stdout("serving")
    assert kept.exists()
    assert replica.said("pid_file_removed") == []


def test_jemalloc_that_is_not_there_is_said(scene):
    replica = scene.start_one("--jemalloc", command=("echo", "hello"))
    assert replica.exit_status() == 0
    if replica.said("configuration_note"):
        assert "libjemalloc2" in replica.said("configuration_note")[0]["message"]


def test_a_preload_of_the_users_own_stays(scene):
    replica = scene.start_one("--jemalloc", command=("sh", "-c", "echo preload=$LD_PRELOAD"),
                              environment={"LD_PRELOAD": ""})
    assert replica.exit_status() == 0
    assert "preload=" in replica.stdout
