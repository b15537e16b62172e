"""--status: whether this content is prepared, who holds the lock, the last runs; and nothing changed."""

import datetime
import json
import os
import pty
import socket
import subprocess

import pytest

from terminal import read_to_end

KEYS = {"fingerprint", "prepared", "why", "lock", "runs"}
LOCK_KEYS = {"held", "by", "since"}
RUN_KEYS = {"id", "fingerprint", "release", "state", "host", "started", "finished", "exit_status",
            "step", "elsewhere", "tries"}


def status(scene, *options, **more):
    """What it exits with and says, as a script sees it."""
    replica = scene.start_one("--status", *options, command=(), prefix="ops-", **more)
    exit_status = replica.exit_status()
    page = json.loads("\n".join(replica.stdout))
    assert set(page) == KEYS and set(page["lock"]) == LOCK_KEYS
    assert all(set(run) == RUN_KEYS for run in page["runs"])
    return exit_status, page


def prepare(scene, words="go", **more):
    scene.tell_step(words)
    replica = scene.start_one(**more)
    if words == "go":
        replica.wait_for_stdout("serving")
        replica.destroy()
    else:
        replica.exit_status()
    return replica


def moment(text):
    assert text.endswith("Z")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_prepared_content_is_0_and_names_the_run(scene):
    scene.create_database()
    prepare(scene, environment={"KAMAL_VERSION": "v42"})
    exit_status, page = status(scene)
    assert exit_status == 0 and page["prepared"] is True
    assert page["why"].startswith("run 1 on web-1 succeeded ") and page["why"].endswith(" ago")
    assert page["lock"] == {"held": False, "by": None, "since": None}
    run, = page["runs"]
    assert run["fingerprint"] == page["fingerprint"] == scene.ledger()[0]["fingerprint"]
    assert (run["id"], run["release"], run["state"], run["host"]) == (1, "v42", "succeeded", "web-1")
    assert (run["exit_status"], run["step"]) == (0, None)
    assert moment(run["started"]) <= moment(run["finished"])


def test_other_content_is_1_and_nothing_is_changed(scene):
    scene.create_database()
    prepare(scene)
    (scene.directory / "app.rb").write_text("new", encoding="utf-8")
    ledger = scene.ledger()
    exit_status, page = status(scene)
    assert exit_status == 1 and page["prepared"] is False
    assert page["why"].startswith(
        "this content has not been prepared yet; the last prepared content is of run 1 on web-1, ")
    assert page["fingerprint"] != page["runs"][0]["fingerprint"]
    assert scene.ledger() == ledger and scene.lock_holders() == []


def test_without_a_database_it_is_1_and_none_is_made(scene):
    exit_status, page = status(scene)
    assert exit_status == 1 and page["prepared"] is False
    assert page["why"] == f"the database {scene.database} does not exist"
    assert page["lock"]["held"] is False and page["runs"] == []
    assert not scene.database_exists()


def test_without_a_ledger_it_is_1_and_none_is_made(scene):
    scene.create_database()
    exit_status, page = status(scene)
    assert exit_status == 1
    assert page["why"] == "this content has not been prepared yet" and page["runs"] == []
    assert scene.query("SELECT to_regclass('signalbox_runs') IS NULL") == [("t",)]


def test_a_ledger_that_may_not_be_read_is_1(scene):
    scene.create_database()
    prepare(scene)
    scene.query(f"REVOKE ALL ON signalbox_runs FROM {scene.role};"
                "ALTER TABLE signalbox_runs OWNER TO postgres")
    exit_status, page = status(scene)
    assert exit_status == 1
    assert page["why"] == "without a ledger it is not known what is prepared"
    assert page["lock"]["held"] is False and page["runs"] == []


def test_a_failure_says_which_step_and_how(scene):
    scene.create_database()
    prepare(scene, "exit 7")
    exit_status, page = status(scene)
    assert exit_status == 1
    assert page["why"].startswith("run 1 on web-1 failed ")
    assert page["why"].endswith(" ago with status 7 in `./bin/rails db:prepare`")
    run, = page["runs"]
    assert (run["state"], run["exit_status"]) == ("failed", 7)
    assert run["step"] == "./bin/rails db:prepare"


def test_while_another_prepares_the_lock_is_its(scene):
    scene.create_database()
    runner = scene.start_one()
    runner.wait_for_stderr("the complaint of the step")
    exit_status, page = status(scene)
    assert exit_status == 1
    assert page["why"].startswith("run 1 on web-1 has been preparing it for ")
    run, = page["runs"]
    assert (run["state"], run["finished"], run["exit_status"]) == ("running", None, None)
    assert page["lock"] == {"held": True, "by": "web-1", "since": run["started"]}
    scene.tell_step()
    runner.wait_for_stdout("serving")
    assert status(scene)[0] == 0


def test_a_holder_without_a_row_is_known_by_its_session(scene):
    """A step that is made a part of itself by VERSION takes the lock and is not recorded."""
    scene.create_database()
    hook = scene.start_one(command=("env", "VERSION=1", "./bin/rails", "db:prepare"), prefix="hook-")
    hook.wait_for_stderr("the complaint of the step")
    exit_status, page = status(scene)
    assert exit_status == 1 and page["runs"] == []
    assert page["why"] == "this content has not been prepared yet"
    assert page["lock"]["held"] is True and page["lock"]["by"] == "hook-1"
    assert moment(page["lock"]["since"])
    scene.tell_step()
    assert hook.exit_status() == 0


def test_a_dead_runner_is_not_taken_for_one_that_prepares(scene):
    scene.create_database()
    runner = scene.start_one()
    runner.wait_for_stderr("the complaint of the step")
    runner.destroy()
    scene.assert_lock_is_free()
    exit_status, page = status(scene)
    assert exit_status == 1
    assert page["why"].startswith("run 1 on web-1 began ")
    assert page["why"].endswith(" ago and never ended: its replica died")
    assert page["lock"] == {"held": False, "by": None, "since": None}
    # Seen and not touched: who prepares next says so in the ledger.
    assert scene.ledger_states() == ["running"]


def test_the_newest_ten_runs_come_first(scene):
    scene.create_database()
    prepare(scene)
    scene.query("INSERT INTO signalbox_runs (run, lock_key, fingerprint, state, host)"
                " SELECT 'x', key, 'f', 'interrupted', 'old' FROM generate_series(1, 12),"
                " (VALUES (0), (1)) AS keys (key)")
    _, page = status(scene)
    ids = [run["id"] for run in page["runs"]]
    assert len(ids) == 10 and ids == sorted(ids, reverse=True)
    mine = {int(row["id"]) for row in scene.ledger() if row["lock_key"] == "0"}
    assert set(ids) <= mine


def test_steps_that_are_no_migrations_are_prepared_by_the_latest_run_only(scene):
    scene.create_database()
    step = "--step=sh -c 'exec ./bin/rails db:prepare'"
    scene.tell_step()
    first = scene.start_one(step)
    first.wait_for_stdout("serving")
    assert status(scene, step)[0] == 0
    (scene.directory / "app.rb").write_text("new", encoding="utf-8")
    scene.tell_step()
    scene.start_one(step).wait_for_stdout("serving")
    (scene.directory / "app.rb").unlink()
    exit_status, page = status(scene, step)
    assert exit_status == 1
    assert "but run 2 has prepared other content since" in page["why"]


def test_an_unreachable_server_is_69_at_once(scene, refusing_port):
    url = f"postgresql://app:secret@127.0.0.1:{refusing_port}/app"
    exit_status, page = status(scene, environment={"DATABASE_URL": url})
    assert exit_status == 69 and page["prepared"] is False
    assert len(page["fingerprint"]) == 64
    assert page["lock"] == {"held": None, "by": None, "since": None} and page["runs"] == []
    assert "refused" in page["why"] and "secret" not in page["why"]


def test_a_server_that_never_answers_is_69_after_the_timeout(scene):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://app:secret@127.0.0.1:{silent.getsockname()[1]}/app"
        exit_status, page = status(
            scene, "--connect-timeout=200ms", environment={"DATABASE_URL": url})
    assert exit_status == 69
    assert "no answer" in page["why"] or "does not answer" in page["why"]


def test_a_wrong_password_and_no_database_at_all_are_78(scene):
    scene.create_database()
    wrong = scene.server.url(scene.database, scene.role, "wrong-password")
    exit_status, page = status(scene, environment={"DATABASE_URL": wrong})
    assert exit_status == 78 and "password authentication failed" in page["why"]
    exit_status, page = status(scene, environment={"DATABASE_URL": None})
    assert exit_status == 78 and page["fingerprint"] is None
    assert "set DATABASE_URL" in page["why"]


def test_in_development_nothing_is_recorded(scene):
    scene.create_database()
    exit_status, page = status(scene, environment={"RAILS_ENV": "development"})
    assert exit_status == 1 and page["fingerprint"] is None
    assert page["why"] == ("the Rails environment is development (RAILS_ENV): every replica runs "
                           "the steps, one after the other")


def test_a_signal_ends_the_question(scene):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://app:secret@127.0.0.1:{silent.getsockname()[1]}/app"
        replica = scene.start_one("--status", "--connect-timeout=1h", command=(),
                                  environment={"DATABASE_URL": url})
        client, _ = silent.accept()
        with client:
            replica.signal(15)
            assert replica.exit_status() == 143


def test_for_a_person_it_is_aligned_and_coloured_only_on_a_terminal(scene):
    scene.create_database()
    prepare(scene)
    replica = scene.start_one("--status", "--log=text", command=(), prefix="ops-")
    assert replica.exit_status() == 0
    labels = [line[:13].rstrip() for line in replica.stdout]
    assert labels == ["prepared", "database", "fingerprint", "lock", "runs"]
    assert replica.stdout[0].startswith("prepared     yes: run 1 on web-1 succeeded ")
    assert replica.stdout[3] == "lock         free"
    assert "\x1b" not in "".join(replica.stdout)


@pytest.mark.parametrize("no_color, coloured", [(None, True), ("1", False)])
def test_colour_is_for_a_terminal(scene, no_color, coloured):
    scene.create_database()
    environment = {"PATH": os.environ["PATH"], "RAILS_ENV": "production",
                   "DATABASE_URL": scene.url()}
    if no_color is not None:
        environment["NO_COLOR"] = no_color
    ours, theirs = pty.openpty()
    with subprocess.Popen([scene.binary, "--status"], cwd=scene.directory, env=environment,
                          stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        page = read_to_end(ours)
    assert process.returncode == 1
    assert (b"\x1b[31mno: this content has not been prepared yet\x1b[0m" in page) == coloured
    assert (b"\x1b" in page) == coloured
