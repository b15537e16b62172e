"""Every signal while a step runs, from outside of the PID namespace and from inside."""

import os
import signal
import sys

import pytest

from namespace import DEADLINE_S, LISTENER, ignoring, pid_1_of, python

pytestmark = pytest.mark.race

CANCELLING = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
# What the kernel does by itself to who comes from outside, and keeps from PID 1 from inside.
UNSTOPPABLE = {signal.SIGKILL, signal.SIGSTOP}
EVERY = set(range(1, 65))


@pytest.fixture
def prepare(start, tmp_path):
    def prepare(step, *command, variables=None, **more):
        script = tmp_path / "step"
        script.write_text(step, encoding="ascii")
        return start("--lock=none", f"--step={sys.executable} {script}", *command,
                     variables={"SIGNALBOX_PREPARE": "any", **(variables or {})}, **more)
    return prepare


@pytest.fixture
def gate(tmp_path):
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def stepping(prepare, gate):
    """In the middle of a step, which ends when somebody has opened the gate and closed it."""
    def stepping(*command, **more):
        process = prepare(f'print("stepping", flush=True); open({str(gate)!r}).read()', *command,
                          **more)
        assert process.stdout.readline() == "stepping\n"
        return process
    return stepping


def sending(numbers, afterwards=""):
    """A step that sends these to PID 1."""
    return f"""
import os, signal
for number in {[int(number) for number in numbers]}:
    os.kill(1, number)
{afterwards}
"""


def assert_nothing_came_of_it(process):
    """Neither to the steps, nor later to the command."""
    assert process.stdout.readline() == "ready\n"
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert int(process.stdout.readline()) == signal.SIGTERM
    assert process.wait(DEADLINE_S) == 42


def test_what_does_not_cancel_is_ignored_from_outside(stepping, gate):
    process = stepping(*python(LISTENER))
    for number in sorted(EVERY - CANCELLING - UNSTOPPABLE):
        os.kill(pid_1_of(process), number)
    with open(gate, "w", encoding="ascii"):
        pass
    assert_nothing_came_of_it(process)


def test_what_does_not_cancel_is_ignored_from_inside(prepare):
    numbers = sorted(EVERY - CANCELLING)
    assert UNSTOPPABLE <= set(numbers)
    assert_nothing_came_of_it(prepare(sending(numbers), *python(LISTENER)))


@pytest.mark.parametrize("number", sorted(CANCELLING), ids=lambda number: number.name)
def test_what_cancels_does_so_from_inside_too(prepare, number):
    process = prepare(sending([number], afterwards="signal.pause()"), "echo", "the command")
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (128 + number, "")


@pytest.mark.parametrize("number", sorted(CANCELLING), ids=lambda number: number.name)
def test_what_cancels_does_so_from_outside(stepping, number):
    process = stepping("echo", "the command")
    os.kill(pid_1_of(process), number)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (128 + number, "")


# --- where PID 1 inherited it as ignored, as from the background of a shell ------------


def assert_cancelled(process, number):
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (128 + number, "")


@pytest.mark.parametrize("number", sorted(CANCELLING), ids=lambda number: number.name)
def test_what_was_inherited_as_ignored_cancels_all_the_same(stepping, number):
    # The step inherits it too, and is ended by something else: at once, and not by the grace.
    others = CANCELLING - {signal.SIGTERM}
    process = stepping("echo", "the command", prefix=ignoring(*others | {number}),
                       variables={"SIGNALBOX_GRACE": "1ms" if number == signal.SIGTERM else "1h"})
    os.kill(pid_1_of(process), number)
    assert_cancelled(process, number)


@pytest.mark.emulated
def test_a_step_that_ignores_all_of_them_is_killed_when_the_grace_is_over(stepping):
    process = stepping("echo", "the command", prefix=ignoring(*CANCELLING),
                       variables={"SIGNALBOX_GRACE": "1ms"})
    os.kill(pid_1_of(process), signal.SIGINT)
    assert_cancelled(process, signal.SIGINT)


def test_a_command_that_inherits_them_as_ignored_still_does_so_after_a_step(prepare):
    process = prepare("", "grep", "^SigIgn", "/proc/self/status", prefix=ignoring(*CANCELLING))
    output, _ = process.communicate(timeout=DEADLINE_S)
    ignored = int(output.split()[1], 16)
    assert all(ignored >> number - 1 & 1 for number in CANCELLING)


def test_nohup_and_a_background_of_a_shell_mean_what_they_say_where_there_is_an_init(
        stepping, gate):
    process = stepping("echo", "the command", init=False, prefix=ignoring(*CANCELLING))
    for number in CANCELLING:
        os.kill(process.pid, number)
    with open(gate, "w", encoding="ascii"):
        pass
    assert process.communicate(timeout=DEADLINE_S)[0] == "the command\n"
    assert process.returncode == 0
