"""Somebody hears of a run: a program that is told the outcome, once, and is in nobody's way."""

import http.server
import json
import os
import pathlib
import re
import shutil
import threading

import pytest

from flights import assert_all_serve, assert_never_started, wait_until_one_prepares
from replica import children

# Says what it was told and goes on when the test says so.
HOOK = """#!/bin/sh
env -0 >"$BYPRODUCTS/told.$(hostname)"
echo 'the hook speaks'
read -r word <"$BYPRODUCTS/hook"
echo "$word" >>"$BYPRODUCTS/done"
exit "${word#exit }"
"""
RAILS = "./bin/rails"


class Hook:
    def __init__(self, scene):
        scene.create_database()
        self.scene = scene
        self.program = scene.byproducts / "notify"
        self.write(HOOK)
        os.mkfifo(scene.byproducts / "hook")
        self._gate = os.open(scene.byproducts / "hook", os.O_RDWR)

    def write(self, text):
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(0o755)

    def let_go(self, status=0):
        os.write(self._gate, f"exit {status}\n".encode())

    def start(self, *options, count=1, **more):
        started = self.scene.start(count, f"--on-finish={self.program}", *options, **more)
        return started if count > 1 else started[0]

    def told(self):
        """What each run of it found in its environment, by the name of the replica."""
        return {path.suffix[1:]: dict(
            item.split("=", 1) for item in path.read_text(encoding="utf-8").split("\0") if item)
            for path in self.scene.byproducts.glob("told.*")}

    def close(self):
        os.close(self._gate)


@pytest.fixture
def hook(scene):
    hook = Hook(scene)
    yield hook
    hook.close()


def test_the_server_does_not_wait_for_it(hook, init):
    scene = hook.scene
    scene.tell_step()
    replica = hook.start(init=init, environment={"KAMAL_VERSION": "v42"})
    replica.wait_for_stdout("the hook speaks")
    replica.wait_for_stdout("serving")
    if not init:
        # The server finds no child that it has not started.
        names = [pathlib.Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip()
                 for child in children(replica.pid())]
        assert names == ["sleep"]
    hook.let_go()
    replica.wait_for("hook_ended")
    told = hook.told()[replica.name]
    row, = scene.ledger()
    assert int(told.pop("SIGNALBOX_ELAPSED_MS")) >= 0
    assert {name: value for name, value in told.items()
            if name.startswith("SIGNALBOX_") and name != "SIGNALBOX_LOG"} == {
        "SIGNALBOX_OUTCOME": "succeeded", "SIGNALBOX_RUN": row["id"], "SIGNALBOX_STEP": "",
        "SIGNALBOX_HOST": replica.name, "SIGNALBOX_EXIT_STATUS": "0",
        "SIGNALBOX_LAST_LINES": "the output of the step\nthe complaint of the step",
        "SIGNALBOX_FINGERPRINT": row["fingerprint"], "SIGNALBOX_RELEASE": "v42",
        "SIGNALBOX_RELEASE_SOURCE": "KAMAL_VERSION", "SIGNALBOX_ON_FINISH": ""}
    # What a step is known by in the server would end the hook's own connections.
    assert "PGAPPNAME" not in told and told["RAILS_ENV"] == "production"


def test_it_runs_once_for_all_replicas_and_not_for_one_that_comes_later(hook):
    replicas = hook.start(count=5)
    runner, _ = wait_until_one_prepares(replicas)
    hook.scene.tell_step()
    assert_all_serve(replicas)
    hook.let_go()
    runner.wait_for("hook_ended")
    later = hook.start(prefix="later-")
    later.wait_for_stdout("serving")
    assert list(hook.told()) == [runner.name]


def test_a_failed_run_waits_for_it_and_tells_it_why(hook):
    scene = hook.scene
    scene.tell_step("exit 7")
    step = "sh -c './bin/rails db:prepare || { status=$?; echo token=$API_TOKEN; exit $status; }'"
    replica = hook.start(f"--step={step}", environment={"API_TOKEN": "sup3r-s3cret"})
    replica.wait_for("hook_started")
    hook.let_go()
    assert replica.exit_status() == 7
    assert (scene.byproducts / "done").exists()
    told = hook.told()[replica.name]
    assert (told["SIGNALBOX_OUTCOME"], told["SIGNALBOX_EXIT_STATUS"]) == ("failed", "7")
    assert told["SIGNALBOX_STEP"].startswith("sh -c './bin/rails db:prepare")
    assert told["SIGNALBOX_LAST_LINES"].splitlines()[-1] == "token=***"
    assert_never_started(replica)


def test_a_run_that_another_replica_has_decided_has_not_succeeded(hook):
    hook.let_go()
    replica = hook.start()
    replica.wait_for("step_started")
    hook.scene.query("UPDATE signalbox_runs SET state = 'interrupted', finished = now()")
    hook.scene.tell_step()
    assert replica.exit_status() == 75
    told, = hook.told().values()
    assert told["SIGNALBOX_OUTCOME"] == "interrupted"
    assert told["SIGNALBOX_EXIT_STATUS"] == "75"


@pytest.mark.parametrize("program, words", [
    ("exit 3", "ended with status 3"),
    ("exec no-such-program", "ended with status 127"),
    ("kill -KILL $$", "ended with status 137"),
])
def test_its_failure_is_a_warning(hook, program, words):
    hook.write(f"#!/bin/sh\n{program}\n")
    hook.scene.tell_step()
    replica = hook.start()
    replica.wait_for_stdout("serving")
    warning = replica.wait_for("hook_failed")
    assert words in warning["message"] and warning["level"] == "warn"
    assert hook.scene.ledger_states() == ["succeeded"]


def test_a_run_that_is_stopped_has_the_rest_of_the_grace_for_it(hook):
    scene = hook.scene
    replica = hook.start("--grace=1h")
    replica.wait_for_stderr("the complaint of the step")
    replica.signal(15)
    replica.wait_for("hook_started")
    hook.let_go()
    assert replica.exit_status() == 143
    told = hook.told()[replica.name]
    assert (told["SIGNALBOX_OUTCOME"], told["SIGNALBOX_EXIT_STATUS"]) == ("interrupted", "143")
    assert replica.said("hook_ended") and scene.ledger_states() == ["interrupted"]


def test_what_hangs_while_a_container_stops_is_ended(hook):
    hook.write("#!/bin/sh\ntrap '' TERM\nexec sleep infinity\n")
    replica = hook.start("--grace=1s")
    replica.wait_for_stderr("the complaint of the step")
    replica.signal(15)
    assert replica.exit_status() == 143
    assert "the grace was about to be over" in replica.wait_for("hook_failed")["message"]


def test_the_end_of_the_container_ends_it_beside_the_server(hook, init):
    hook.scene.tell_step()
    replica = hook.start("--init=always", init=init)
    replica.wait_for_stdout("the hook speaks")
    replica.wait_for_stdout("serving")
    replica.signal(15)
    assert replica.exit_status() == 42
    message = replica.wait_for("hook_failed")["message"]
    # Without kill(-1) the hook may be gone before it is known why.
    assert "SIGTERM has ended --on-finish" in message or (not init and "status 143" in message)
    assert not (hook.scene.byproducts / "done").exists()


def test_a_server_that_fails_at_once_leaves_it_time(hook, init):
    hook.scene.tell_step()
    replica = hook.start("--init=always", "--server=false", init=init, command=("false",))
    replica.wait_for("hook_awaited")
    hook.let_go()
    assert replica.exit_status() == 1
    assert replica.said("hook_ended"), replica.transcript()


def test_what_outlives_a_failed_server_for_too_long_is_ended(hook, init):
    hook.write("#!/bin/sh\ntrap '' TERM\nexec sleep infinity\n")
    hook.scene.tell_step()
    replica = hook.start(
        "--init=always", "--grace=1s", "--server=false", init=init, command=("false",))
    assert replica.exit_status() == 1
    assert "750 ms at most" in replica.wait_for("hook_awaited")["message"]
    assert "left behind by the command" in replica.wait_for("leftovers")["message"]


def test_a_stop_after_a_failed_server_ends_it_at_once(hook, init):
    hook.scene.tell_step()
    replica = hook.start(
        "--init=always", "--grace=1h", "--server=false", init=init, command=("false",))
    replica.wait_for_stdout("the hook speaks")
    replica.wait_for("hook_awaited")
    replica.signal(15)
    assert replica.exit_status() == 1
    assert not (hook.scene.byproducts / "done").exists()


def test_a_term_while_it_is_waited_for_ends_it_at_once(hook):
    hook.scene.tell_step("exit 7")
    replica = hook.start("--grace=1h")
    replica.wait_for_stdout("the hook speaks")
    replica.signal(15)
    assert replica.exit_status() == 7
    assert "SIGTERM has ended --on-finish" in replica.wait_for("hook_failed")["message"]


@pytest.mark.parametrize("options, recorded", [((), True), (("--lock=none",), False)])
def test_a_step_that_is_the_command_tells_it_too(hook, options, recorded):
    hook.scene.tell_step()
    replica = hook.start(*options, command=(RAILS, "db:prepare"))
    replica.wait_for("hook_started")
    hook.let_go()
    assert replica.exit_status() == 0
    told = hook.told()[replica.name]
    assert told["SIGNALBOX_OUTCOME"] == "succeeded"
    assert told["SIGNALBOX_RUN"] == ("1" if recorded else "")


def test_it_runs_behind_the_wrapper_of_the_command(hook):
    shutil.copy(hook.scene.directory / "bin" / "secrets", hook.scene.directory / "bin" / "doppler")
    hook.scene.tell_step()
    hook.let_go()
    replica = hook.start(
        command=("env", "-i", f"PATH={os.environ['PATH']}", f"BYPRODUCTS={hook.scene.byproducts}",
                 f"DATABASE_URL={hook.scene.url()}", "RAILS_ENV=production",
                 "./bin/doppler", "run", "--", RAILS, "server"))
    replica.wait_for("hook_ended")
    told = hook.told()[replica.name]
    assert (told["SECRET"], told["SIGNALBOX_OUTCOME"]) == ("told", "succeeded")


def test_a_signalbox_that_it_runs_takes_none_of_it_for_an_option(hook):
    hook.write(f"#!/bin/sh\nexec {hook.scene.binary} --status {RAILS} server\n")
    hook.scene.tell_step()
    replica = hook.start(environment={"KAMAL_VERSION": "v42"})
    replica.wait_for("hook_ended")
    assert replica.said("variable_unknown") == []


def test_the_recipe_tells_slack(hook):
    """With a stand-in that keeps what it is sent."""
    page = (pathlib.Path(__file__).parents[2] / "doc" / "recipes" / "notify.md").read_text("utf-8")
    script, = re.findall(r"^```sh hook\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    program, = re.findall(r'^ENV SIGNALBOX_ON_FINISH="(.*)"$', page, re.MULTILINE)
    sent = []

    class Slack(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # pylint: disable=invalid-name
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

    slack = http.server.HTTPServer(("127.0.0.1", 0), Slack)
    threading.Thread(target=slack.serve_forever, daemon=True).start()
    (hook.scene.directory / program).write_text(script, encoding="utf-8")
    (hook.scene.directory / program).chmod(0o755)
    hook.scene.tell_step("exit 7")
    replica = hook.scene.start_one(environment={
        "SIGNALBOX_ON_FINISH": program, "SIGNALBOX_RELEASE": "v42",
        "SLACK_WEBHOOK_URL": f"http://127.0.0.1:{slack.server_port}/"})
    assert replica.exit_status() == 7
    slack.shutdown()
    slack.server_close()
    assert replica.said("hook_ended"), replica.transcript()
    message, = sent
    assert message["text"] == (
        f"{replica.name}: run 1 of v42 failed with status 7 in `./bin/rails db:prepare`\n"
        "```\nthe output of the step\nthe complaint of the step\n```")
