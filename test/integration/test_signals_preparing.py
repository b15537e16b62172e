"""Every signal while a step runs, from outside of the PID namespace and from inside."""

import os
import signal
import sys

import pytest

from namespace import DEADLINE_S, LISTENER, pid_1_of, python

pytestmark = pytest.mark.race

CANCELLING = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
# What the kernel does by itself to who comes from outside, and keeps from PID 1 from inside.
UNSTOPPABLE = {signal.SIGKILL, signal.SIGSTOP}
EVERY = {int(number) for number in signal.valid_signals()} | set(range(32, 35))

# Sends these to PID 1 and ends; or is still there when that ends it.
SENDS = """
import os, signal
for number in NUMBERS:
    os.kill(1, number)
if WAITS:
    signal.pause()
"""

# Ends when somebody has opened the pipe and closed it.
WAITS = """
print("stepping", flush=True)
open("GATE").read()
"""


@pytest.fixture
def prepare(start, tmp_path):
    def prepare(step, *command):
        script = tmp_path / "step"
        script.write_text(step, encoding="ascii")
        return start("--lock=none", f"--step={sys.executable} {script}", *command,
                     variables={"SIGNALBOX_PREPARE": "any"})
    return prepare


def assert_nothing_came_of_it(process):
    """Neither to the steps, nor later to the command."""
    assert process.stdout.readline() == "ready\n"
    os.kill(pid_1_of(process), signal.SIGTERM)
    assert int(process.stdout.readline()) == signal.SIGTERM
    assert process.wait(DEADLINE_S) == 42


def test_what_does_not_cancel_is_ignored_from_outside(prepare, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = prepare(WAITS.replace("GATE", str(gate)), *python(LISTENER))
    assert process.stdout.readline() == "stepping\n"
    for number in sorted(EVERY - CANCELLING - UNSTOPPABLE):
        os.kill(pid_1_of(process), number)
    with open(gate, "w", encoding="ascii"):
        pass
    assert_nothing_came_of_it(process)


def test_what_does_not_cancel_is_ignored_from_inside(prepare):
    numbers = sorted(EVERY - CANCELLING)
    assert UNSTOPPABLE <= set(numbers)
    process = prepare(SENDS.replace("NUMBERS", str([int(number) for number in numbers]))
                      .replace("WAITS", "False"), *python(LISTENER))
    assert_nothing_came_of_it(process)


@pytest.mark.parametrize("number", sorted(CANCELLING), ids=lambda number: number.name)
def test_what_cancels_does_so_from_inside_too(prepare, number):
    process = prepare(SENDS.replace("NUMBERS", str([int(number)])).replace("WAITS", "True"),
                      "echo", "the command")
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (128 + number, "")


@pytest.mark.parametrize("number", sorted(CANCELLING), ids=lambda number: number.name)
def test_what_cancels_does_so_from_outside(prepare, tmp_path, number):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = prepare(WAITS.replace("GATE", str(gate)), "echo", "the command")
    assert process.stdout.readline() == "stepping\n"
    os.kill(pid_1_of(process), number)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (128 + number, "")
