"""Where nothing is prepared, what the command prints is all that is printed."""

import os
import pty
import signal
import subprocess

import pytest

from conftest import NAMESPACE
from namespace import LISTENER, STUBBORN, environment, pid_1_of, python
from terminal import read_to_end

RUNNER = ("./bin/rails", "runner", "puts 1")
TERMINATED = "signalbox: the command was ended by SIGTERM: exit status 143\n"


def said(output):
    """What we have said: each of our lines up to its colon."""
    return [line for line in output.splitlines() if line.startswith("signalbox: ")]


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """One in which ./bin/rails is there; every command begins in it."""
    program = tmp_path / "bin" / "rails"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 1\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mode", ["auto", "never"])
@pytest.mark.parametrize("command, expected", [
    (("ls",), (0, "bin\n")),
    (RUNNER, (0, "1\n")),
    (("sh", "-c", "echo out; echo err >&2; exit 3"), (3, "out\nerr\n")),
    (("sh", "-c", "kill -PIPE $$"), (141, "")),
    (("sh", "-c", "kill -INT $$"), (130, "")),
    (("sh", "-c", "kill -SEGV $$"),
     (139, "signalbox: the command was ended by SIGSEGV: exit status 139\n")),
    (python("import os; os.kill(os.getpid(), 15)"), (143, TERMINATED)),
])
def test_a_command_prints_what_it_prints(run, directory, mode, command, expected):
    assert run(*command, variables={"SIGNALBOX_PREPARE": mode},
               stderr=subprocess.STDOUT) == expected


@pytest.mark.parametrize("how", [{"init": False}, {"variables": {"SIGNALBOX_USER": "0"}}],
                         ids=["becoming the command", "becoming the user"])
def test_nor_is_there_anything_to_talk_about(run, directory, how):
    assert run(*RUNNER, stderr=subprocess.STDOUT, **how) == (0, "1\n")


def test_decision_start_and_end_are_for_who_asks(run, directory):
    status, output = run("--log-level=debug", *RUNNER, stderr=subprocess.STDOUT)
    assert status == 0
    assert [line.split()[1:3] for line in said(output)] == [
        ["recognised", "the"], ["starting", "the"], ["the", "command"]]


@pytest.mark.parametrize("command", [("./bin/rails", "server"), ("./bin/rails", "jobs:work")])
def test_a_server_and_a_worker_are_talked_about_all_the_same(run, directory, command):
    _, output = run(*command, stderr=subprocess.STDOUT)
    assert len(said(output)) == 3


def test_a_warning_is_said_all_the_same(run, directory):
    status, output = run("true", stderr=subprocess.STDOUT, variables={"SIGNALBOX_PREPAR": "x"})
    assert status == 0 and output.count("\n") == 1
    assert output.startswith("signalbox: warning: SIGNALBOX_PREPAR is not a variable")


def test_a_signal_from_outside_is_passed_on_without_a_word(start, directory):
    process = start(*python(LISTENER), stderr=subprocess.STDOUT)
    assert process.stdout.readline() == "ready\n"
    os.kill(pid_1_of(process), signal.SIGUSR1)
    assert int(process.stdout.readline()) == signal.SIGUSR1
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert process.stdout.read() == f"{int(signal.SIGTERM)}\n" and process.wait() == 42


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_by_a_signal_from_outside_is_said(start, directory, number):
    process = start("sh", "-c", "echo ready; exec sleep infinity", stderr=subprocess.STDOUT)
    assert process.stdout.readline() == "ready\n"
    os.kill(pid_1_of(process), number)
    assert process.stdout.read() == (
        f"signalbox: the command was ended by {number.name}: exit status {128 + number}\n")


def test_a_left_over_that_had_to_be_killed_is_said(run, directory):
    status, output = run(*python(STUBBORN), variables={"SIGNALBOX_GRACE": "50ms"},
                         stderr=subprocess.STDOUT)
    assert status == 7
    assert said(output) == ["signalbox: 1 process left behind by the command: killed"]


def test_a_shell_on_a_terminal_has_it_for_itself(binary, directory):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
            ["setsid", "--ctty", "--wait", *NAMESPACE, binary, "bash", "--norc", "-i"],
            env=environment(PS1="prompt> "), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, b"echo a${HOME:+ }word; exit 9\n")
        shown = read_to_end(ours).decode()
    assert process.returncode == 9
    assert "a word" in shown and "signalbox" not in shown
