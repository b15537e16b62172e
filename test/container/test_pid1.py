"""PID 1 as an engine sees it: stop, kill, restart, exit status, terminals, and strange containers.

What can be seen without an engine is in test/integration; this is the rest, with the binary that
people copy into images, in a Debian where nothing is root.
"""

import contextlib
import json
import os
import select
import uuid

import pytest

from containers import DEBIAN, SHOP, Container, gateway, podman, podman_command
from terminal import Session

# Says what it gets, and needs a moment for its end.
SERVER = ["bash", "-c", """
trap 'echo reload' HUP
trap 'echo asked; exit 42' TERM
echo ready
while true; do sleep infinity & wait $!; kill $!; done
"""]

STEP = "--step=sh -c 'read -r status </gate/gate; exit \"$status\"'"
NEVER = {"SIGNALBOX_PREPARE": "never"}


@pytest.fixture
def debian():
    """Makes containers of Debian, which are gone afterwards."""
    with contextlib.ExitStack() as stack:
        def make(*command, **more):
            container = Container(DEBIAN, command, **more)
            stack.callback(container.remove)
            return container
        yield make


@pytest.fixture
def replica(debian, server, tmp_path):
    """Makes containers of one release: their step ends with the status that `tell_step` gives it."""
    name = f"pid1_{uuid.uuid4().hex[:8]}"
    server.create_role(name, "secret")
    server.create_database(name, name)
    gate = tmp_path / "gate"
    gate.mkdir()
    os.mkfifo(gate / "gate")
    os.chmod(gate / "gate", 0o666)
    for directory in gate, *tmp_path.parents[:2]:
        os.chmod(directory, 0o755)
    # Open for both, so that neither end ever waits for the other to open.
    opened = os.open(gate / "gate", os.O_RDWR)

    class Replica(Container):
        @staticmethod
        def tell_step(status):
            os.write(opened, f"{status}\n".encode())

        @staticmethod
        def runs():
            return [row[0] for row in server.query(
                "SELECT state FROM signalbox_runs ORDER BY id", database=name)]

    with contextlib.ExitStack() as stack:
        def make(*command, **more):
            environment = {"DATABASE_URL": server.url(name, name, "secret", host=gateway()),
                           "RAILS_ENV": "production", "SIGNALBOX_LOG": "json"}
            made = Replica(DEBIAN, ["--prepare=any", STEP, *command], environment=environment,
                           files={"/gate": str(gate)}, **more)
            stack.callback(made.remove)
            return made
        yield make
    os.close(opened)


# --- stop, kill, restart, exit status -------------------------------------------------


def test_while_the_command_runs_the_engine_deals_with_the_command(debian):
    container = debian(*SERVER, environment=NEVER)
    container.start()
    container.await_line("ready")
    container.kill("HUP")
    container.await_line("reload")
    container.restart()
    container.await_line("ready", 2)
    container.await_line("asked")
    assert container.stop() == 42
    container.start()
    container.await_line("ready", 3)
    container.kill()
    assert container.wait() == 137


@pytest.mark.parametrize("command, status", [
    (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -SEGV $$"], 139), (["nothing"], 127)])
def test_the_container_s_exit_status_is_the_command_s(command, status):
    assert podman("run", "--rm", "--network", "none", DEBIAN, *command,
                  check=False).returncode == status


def test_while_it_prepares_the_engine_deals_with_the_step(replica):
    runner = replica("sleep", "infinity")
    runner.start()
    runner.await_event("step_started")
    runner.restart()
    runner.await_event("step_started", 2)
    assert runner.stop() == 143
    assert runner.runs() == ["interrupted", "interrupted"]
    runner.start()
    runner.await_event("step_started", 3)
    runner.kill()
    assert runner.wait() == 137
    runner.start()
    runner.await_event("step_started", 4)
    runner.tell_step(3)
    assert runner.wait() == 3
    assert runner.runs() == ["interrupted"] * 3 + ["failed"]
    assert "command_started" not in runner.names()


def test_while_it_waits_the_engine_deals_with_the_waiter_alone(replica):
    runner, waiter = replica("sleep", "infinity"), replica("sleep", "infinity")
    runner.start()
    runner.await_event("step_started")
    waiter.start()
    waiter.await_event("waiting")
    waiter.restart()
    waiter.await_event("waiting", 2)
    assert waiter.stop() == 143
    waiter.start()
    waiter.await_event("waiting", 3)
    waiter.kill()
    assert waiter.wait() == 137
    waiter.start()
    waiter.await_event("waiting", 4)
    assert runner.runs() == ["running"]
    runner.tell_step(3)
    assert runner.wait() == 3
    assert waiter.wait() == 3
    assert "step_started" not in waiter.names()
    assert "command_started" not in runner.names() + waiter.names()


# --- with others, and with less --------------------------------------------------------


def test_under_another_init_it_prepares_and_is_gone(replica):
    look = "cat /proc/[0-9]*/comm; echo child of $PPID; exit 5"
    container = replica("sh", "-c", look, more=["--init"])
    container.start()
    container.await_event("step_started")
    assert container.stop() == 143
    container.start()
    container.await_event("step_started", 2)
    container.tell_step(0)
    assert container.wait() == 5
    said = container.output().splitlines()
    assert "child of 1" in said
    assert "sh" in said and "signalbox" not in said


def test_in_another_container_s_pid_namespace_it_ends_its_own_and_nobody_else_s(debian):
    host = debian(*SERVER, environment=NEVER)
    host.start()
    host.await_line("ready")
    guest = debian("--init=always", "--grace=1ms", "sh", "-c",
                   "setsid sleep 4711 & exit 9", environment=NEVER,
                   more=["--pid", f"container:{host.name}"])
    guest.start()
    assert guest.wait() == 9
    left = podman("exec", host.name, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout
    assert "4711" not in left and "sleep infinity" in left
    assert host.stop() == 42


SECCOMP = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{
        "names": ["prctl", "close_range", "pidfd_open", "pidfd_send_signal", "pwritev2", "madvise"],
        "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
    }],
}


@pytest.mark.parametrize("world", ["seccomp", "read-only"])
def test_where_less_is_allowed_it_prepares_and_runs_all_the_same(replica, tmp_path, world):
    profile = tmp_path / "seccomp.json"
    profile.write_text(json.dumps(SECCOMP))
    # Without new privileges the engine itself is done with these calls when it forbids them.
    more = {"seccomp": ["--security-opt", f"seccomp={profile}",
                        "--security-opt", "no-new-privileges"],
            "read-only": ["--read-only", "--read-only-tmpfs=false"]}[world]
    container = replica(*SERVER, more=more)
    container.start()
    container.await_event("step_started")
    container.tell_step(0)
    container.await_line("ready")
    assert container.stop() == 42
    refused = [event for event in container.events() if event["event"] == "kernel_refused"]
    assert len(refused) <= 1


# --- terminals --------------------------------------------------------------------------


def in_a_terminal(image, *command, options=()):
    return Session(*podman_command("run", "--interactive", "--tty", "--rm", "--network", "none",
                                   *options, image, *command))


def test_a_shell_in_a_container_has_job_control():
    with in_a_terminal(DEBIAN, "bash", "--norc", options=["--env", "PS1=prompt> "]) as session:
        screen = session.screen
        screen.until(b"prompt> ")
        screen.write(b"sh -c 'echo be''gun; exec cat'\n")
        screen.until(b"begun")
        screen.write(b"\x1a")
        screen.until(b"Stopped")
        screen.until(b"prompt> ")
        screen.write(b"fg\n")
        screen.until(b"exec cat")
        screen.write(b"a word\n")
        # The terminal's echo, then cat's.
        screen.until(b"a word")
        screen.until(b"a word")
        screen.write(b"\x03")
        screen.until(b"prompt> ")
        screen.write(b"echo status=$?\n")
        screen.until(b"status=130")
        screen.until(b"prompt> ")
        screen.write(b"sh -c 'echo be''gun; exec cat'\n")
        screen.until(b"begun")
        screen.write(b"\x1c")
        screen.until(b"Quit")
        screen.until(b"prompt> ")
        screen.write(b"perl -e '$SIG{WINCH} = sub { print `stty size`; exit }; "
                     b"print \"be\", \"gun\\n\"; sleep 1 while 1'\n")
        screen.until(b"begun")
        screen.resize(33, 111)
        screen.until(b"33 111")
        screen.until(b"prompt> ")
        screen.write(b"exit 9\n")
        assert session.wait() == 9


@pytest.mark.parametrize("key, status", [(b"\x03", 130), (b"\x1c", 131)])
def test_a_command_in_a_terminal_is_not_frozen_by_a_stop(key, status):
    with in_a_terminal(DEBIAN, "sh", "-c", "echo be''gun; exec cat") as session:
        screen = session.screen
        screen.until(b"begun")
        screen.write(b"\x1a")
        screen.write(b"a word\n")
        screen.until(b"a word")
        screen.until(b"a word")
        screen.write(key)
        assert session.wait() == status


def test_rails_console_in_a_container(app):
    # It says that a stop was undone only to who asks.
    options = ["--env", f"RAILS_MASTER_KEY={(app / 'config/master.key').read_text().strip()}",
               "--env", "SIGNALBOX_LOG_LEVEL=debug"]
    with in_a_terminal(SHOP, "./bin/rails", "console", options=options) as session:
        screen = session.screen
        # Before its prompt it asks the terminal where the cursor is, and what comes then is no key.
        prompt = b"):00"
        screen.until(prompt)
        screen.write(b"puts \"sum #{40 + 2}\"\n")
        screen.until(b"sum 42")
        screen.until(prompt)
        screen.write(b"\x1a")
        screen.until(b"goes on")
        screen.write(b"puts \"sum #{50 + 2}\"\n")
        screen.until(b"sum 52")
        screen.until(prompt)
        screen.write(b"puts 'be' 'gun'; sleep\n")
        screen.until(b"begun")
        screen.write(b"\x03")
        screen.until(b"IRB::Abort")
        screen.until(prompt)
        screen.write(b"puts 'be' 'gun'; sleep 0.01 until $stdin.winsize == [33, 111]; exit 5\n")
        screen.until(b"begun")
        screen.resize(33, 111)
        assert session.wait() == 5


def test_a_terminal_that_goes_away_ends_what_is_in_it(debian):
    container = debian("bash", "-c", "echo ready; exec bash --norc -i", environment=NEVER,
                       more=["--interactive", "--tty"])
    container.start()
    container.await_line("ready")
    init, monitor = map(int, container.inspect("{{.State.Pid}} {{.State.ConmonPid}}").split())
    ends = os.pidfd_open(init)
    # Nobody but the engine's monitor has the other end of the terminal.
    os.kill(monitor, 9)
    ready, _, _ = select.select([ends], [], [], 120)
    os.close(ends)
    assert ready, "it goes on without anybody to see it"
    # Without its monitor, the engine learns of the end only by a removal that fails.
    container.remove()
